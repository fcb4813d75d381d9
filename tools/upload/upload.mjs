// npm run upload -- FILE …: brings the build up to date and sends a file of exchange orders.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from '../check/node-version.mjs';

requireNode('npm run upload');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const compiler = join(root, 'node_modules/.bin/tsc');
if (!existsSync(compiler)) {
  console.error('The packages are not installed: run npm ci first.');
  process.exit(1);
}
if (spawnSync(compiler, ['-b', 'tools/upload'], { cwd: root, stdio: 'inherit' }).status !== 0) {
  console.error('The build failed, so nothing was sent: see the errors above.');
  process.exit(1);
}
await import(pathToFileURL(join(root, 'tools/upload/dist/main.js')).href);
