import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** A module specifier that leads, over one or more `../`, into one of these folders of the tree. */
const into = (...folders) => `^(\\.\\.?/)+(${folders.join('|')})(/|$)`;

/** Any package (not a relative path) except those whose specifiers match. */
const packagesExcept = (...allowed) => `^(?!\\.|${allowed.map((specifier) => `${specifier}$`).join('|')})`;

const SELF = { regex: '^hawser(/|$)', message: 'Inside the package, import by relative path.' };
const X509 = {
  regex: '^(@peculiar/|pkijs|reflect-metadata)',
  message: 'Only reference/pki imports the X.509 libraries; use its public functions.',
};
const OUTSIDE_REFERENCE = {
  regex: into('conformance', 'vectors', 'spec', 'dist', 'test', 'bench'),
  message: 'The reference implementation does not depend on what tests, generates or measures it.',
};
const NODE = [X509, OUTSIDE_REFERENCE, { regex: into('cli'), message: 'node imports only core, pki and store.' }];

/** Static and dynamic imports obey the same list. */
function boundary(files, patterns, ignores = []) {
  const all = [SELF, ...patterns];
  return {
    files,
    ignores,
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: all }],
      'no-restricted-syntax': [
        'error',
        ...all.map(({ regex, message }) => ({
          selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\u002F')}/]`,
          message,
        })),
      ],
    },
  };
}

export default defineConfig(
  globalIgnores(['dist/', 'reports/', 'coverage/', 'docs/api/', 'reference/bench/', '**/node_modules/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },

  // Import directions: registry -> core -> {pki, store} -> node -> cli; conformance stands beside reference.
  boundary(
    [
      'spec/tools/**/*.ts',
      'spec/models/**/*.ts',
      'vectors/tools/**/*.ts',
      'vitest.config.ts',
      'reference/test/**/*.ts',
    ],
    [X509],
  ),
  boundary(
    ['reference/core/**/*.ts'],
    [
      OUTSIDE_REFERENCE,
      {
        regex: packagesExcept('@noble/hashes/[a-z0-9-]+\\.js'),
        message: 'core imports only core and @noble/hashes/*.js.',
      },
      { regex: into('pki', 'store', 'node', 'cli', 'reference'), message: 'core imports only core.' },
    ],
  ),
  boundary(
    ['reference/pki/**/*.ts'],
    [OUTSIDE_REFERENCE, { regex: into('store', 'node', 'cli'), message: 'pki imports only core.' }],
  ),
  boundary(
    ['reference/store/**/*.ts'],
    [X509, OUTSIDE_REFERENCE, { regex: into('pki', 'node', 'cli'), message: 'store imports only core.' }],
  ),
  boundary(['reference/node/**/*.ts'], NODE),
  // Its folders: connection <- session <- client, server <- relay. What lies beside them belongs to all.
  ...Object.entries({
    connection: ['session', 'client', 'server', 'relay'],
    session: ['client', 'server', 'relay'],
    client: ['server', 'relay'],
    server: ['client', 'relay'],
  }).map(([folder, later]) =>
    boundary(
      [`reference/node/${folder}/*.ts`],
      [...NODE, { regex: into(...later), message: `node/${folder} imports nothing of ${later.join(', ')}.` }],
    ),
  ),
  boundary(['reference/cli/**/*.ts'], [X509, OUTSIDE_REFERENCE]),
  boundary(
    ['conformance/**/*.ts'],
    [
      X509,
      {
        regex: into('reference', 'core', 'pki', 'store', 'node', 'dist'),
        message: 'conformance reads the specification anew and imports nothing from reference.',
      },
    ],
    ['conformance/testee/kit.ts'],
  ),
  boundary(
    ['conformance/testee/kit.ts'],
    [
      X509,
      {
        regex: '^(\\.\\.?/)+reference/(?!pki/)',
        message: 'The certificate kit may import reference/pki and nothing else of reference.',
      },
    ],
  ),

  {
    files: ['reference/core/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Buffer',
          'Date',
          'clearImmediate',
          'clearInterval',
          'clearTimeout',
          'console',
          'crypto',
          'fetch',
          'globalThis',
          'performance',
          'process',
          'queueMicrotask',
          'setImmediate',
          'setInterval',
          'setTimeout',
        ].map((name) => ({ name, message: 'core has no platform: time, randomness and output come from outside.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness comes from outside core.' },
        { object: 'Date', property: 'now', message: 'Time comes from outside core.' },
      ],
    },
  },
  {
    files: ['reference/test/**/*.ts', 'conformance/test/**/*.ts', '**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.gen.ts'],
    rules: {
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/prefer-literal-enum-member': 'off',
      '@typescript-eslint/no-redundant-type-constituents': 'off',
    },
  },
);
