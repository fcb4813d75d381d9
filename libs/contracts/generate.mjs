// Writes generated/ anew from the contracts: npm run contracts. A spec fails when what is committed is not what is generated.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { generatedFiles } from './dist/generate.js';
import { contracts } from './dist/index.js';

const folder = join(import.meta.dirname, 'generated');
rmSync(folder, { recursive: true, force: true });
for (const [path, content] of generatedFiles(contracts)) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await format(JSON.stringify(content), { ...(await resolveConfig(file)), parser: 'json' }));
  console.log(`generated/${path}`);
}
