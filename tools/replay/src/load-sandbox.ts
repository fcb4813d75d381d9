import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findCloud } from './cloud/find-cloud.js';
import { findPartnerSite, loadSandbox } from './sandbox/load-sandbox.js';

const usage = `usage: node tools/replay/dist/load-sandbox.js [--home CLOUD_HOME]

  Sets up the sandbox partner in the demo municipality, registers its test holders and links their accounts. Run again, it makes what is missing.

  --home DIR home of the running cloud (default: CLOUD_HOME, else .local)

exit: 0 loaded; 1 not`;

try {
  const { values } = parseArgs({
    options: { home: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) console.log(usage);
  else {
    const home = values.home ?? resolve(import.meta.dirname, '../../..', process.env['CLOUD_HOME'] || '.local');
    const loaded = await loadSandbox(await findCloud(home, process.env), await findPartnerSite(home));
    console.log(
      `partner ${loaded.partner} in ${loaded.programme}: ${loaded.holders.map((one) => `${one.myKeyId} (${one.account})`).join(', ')}`,
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
