import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'reference/test/unit/**/*.test.ts',
            'reference/test/property/**/*.test.ts',
            'conformance/test/**/*.test.ts',
            'spec/tools/**/*.test.ts',
            'spec/models/**/*.test.ts',
            'vectors/tools/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['reference/test/integration/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['reference/test/e2e/**/*.test.ts'],
          // Child processes share two or four cores with the tests: one file at a time keeps their timing honest.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['reference/**/*.ts', 'conformance/**/*.ts'],
      exclude: ['**/*.gen.ts', '**/test/**', 'reference/bench/**'],
    },
  },
});

export default config;
