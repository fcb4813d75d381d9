import { parseArgs } from 'node:util';
import { describeVerified } from '../verify/describe.js';
import { ImportRefused, importProgramme } from './import-programme.js';
import { FileErrors, readFile } from './read-file.js';
import { withLedger } from './with-ledger.js';

// npm run import -- --database URL --file FILE
const text = { type: 'string' } as const;
const { database, file } = parseArgs({ options: { database: text, file: text } }).values;
if (database === undefined || file === undefined) {
  console.error('npm run import -- --database URL --file FILE');
  process.exitCode = 2;
} else {
  try {
    console.log(describeVerified(await withLedger(database, 'import', (client) => importProgramme(client, readFile(file)))));
  } catch (error) {
    if (!(error instanceof ImportRefused) && !(error instanceof FileErrors)) throw error;
    console.error(`Nothing was imported.\n${error.message}`);
    process.exitCode = 1;
  }
}
