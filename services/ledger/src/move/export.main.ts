import { parseArgs } from 'node:util';
import { programmeId } from '@points/kernel';
import { exportProgramme } from './export-programme.js';
import { withLedger } from './with-ledger.js';

// npm run export -- --database URL --programme P --out FILE
const text = { type: 'string' } as const;
const { database, programme, out } = parseArgs({ options: { database: text, programme: text, out: text } }).values;
if (database === undefined || programme === undefined || out === undefined) {
  console.error('npm run export -- --database URL --programme P --out FILE');
  process.exitCode = 2;
} else {
  const lines = await withLedger(database, 'export', (client) => exportProgramme(client, programmeId(programme), out));
  console.log(`${lines} lines written to ${out}`);
}
