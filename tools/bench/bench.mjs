// npm run bench -- pos|exchange|upload|ledger|growth|soak --json FILE [options]: brings the build up to date and measures it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from '../check/node-version.mjs';

requireNode('npm run bench');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const compiler = join(root, 'node_modules/.bin/tsc');
if (!existsSync(compiler)) {
  console.error('The packages are not installed: run npm ci first.');
  process.exit(1);
}
const projects = ['tools/bench', 'services/identity', 'services/ledger', 'services/settlement', 'services/exchange'];
if (spawnSync(compiler, ['-b', ...projects], { cwd: root, stdio: 'inherit' }).status !== 0) {
  console.error('The build failed, so nothing was measured: see the errors above.');
  process.exit(1);
}
// The door is measured in its own process, without a service around it; a tool may not import a service, so it stands there.
const ofLedger = { ledger: 'main.js', growth: 'growth.main.js', soak: 'soak.main.js' };
const own = ofLedger[process.argv[2]];
await import(pathToFileURL(join(root, own ? `services/ledger/dist/bench/${own}` : 'tools/bench/dist/main.js')).href);
