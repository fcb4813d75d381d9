// npm run replay: brings the build up to date and replays. A throwaway cloud (--fresh) runs the services of this build.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from '../check/node-version.mjs';

requireNode('npm run replay');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const compiler = join(root, 'node_modules/.bin/tsc');
if (!existsSync(compiler)) {
  console.error('The packages are not installed: run npm ci first.');
  process.exit(1);
}
const { status } = spawnSync(compiler, ['-b'], { cwd: root, stdio: 'inherit' });
if (status !== 0) {
  console.error('The build failed, so nothing was replayed: see the errors above.');
  process.exit(1);
}
await import(pathToFileURL(join(root, 'tools/replay/dist/main.js')).href);
