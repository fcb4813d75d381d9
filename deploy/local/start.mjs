// npm start: brings the build up to date (under a second when it is) and becomes the supervisor.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from '../../tools/check/node-version.mjs';

requireNode('npm start');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const compiler = join(root, 'node_modules/.bin/tsc');
if (!existsSync(compiler)) {
  console.error('The packages are not installed: run npm ci first.');
  process.exit(1);
}
if (!existsSync(join(root, 'deploy/local/dist/supervisor.js'))) console.log('building (once, about 10 s)');

const code = await build();
if (code !== 0) {
  console.error('The build failed, so nothing was started: see the errors above.');
  process.exit(code);
}
await import(pathToFileURL(join(root, 'deploy/local/dist/supervisor.js')).href);

function build() {
  return new Promise((resolve) => {
    const child = spawn(compiler, ['-b'], { cwd: root, stdio: 'inherit' });
    const end = () => child.kill('SIGTERM');
    process.on('SIGINT', end).on('SIGTERM', end);
    child.once('exit', (exitCode) => {
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve(exitCode ?? 130);
    });
  });
}
