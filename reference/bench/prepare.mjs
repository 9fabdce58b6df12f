// The bench measures what is published, the built package: builds it when it is missing or older than its sources.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = join(root, 'dist/reference/node/index.js');

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestUnder(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'));
  return Math.max(...names.map((name) => changedAt(join(folder, name))));
}

const sources = ['core', 'pki', 'store', 'node'].map((name) => join(root, 'reference', name));
if (changedAt(built) < Math.max(...sources.map(newestUnder))) {
  process.stderr.write(
    'bench: dist/ is missing or older than reference/: running "npm run build" in the main package\n',
  );
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(
      'bench: the main package does not build: install its dependencies (npm ci) and mend what is reported above\n',
    );
    process.exit(2);
  }
}
rmSync(fileURLToPath(new URL('./dist', import.meta.url)), { recursive: true, force: true });
