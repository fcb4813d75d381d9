import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@points/infrastructure';
import { freshLedger } from './fresh-ledger.js';
import { simulate } from './simulate.js';
import { reportOf } from './simulation-report.js';

// npm run simulate -- --steps N --seed S: a throwaway PostgreSQL, one seed, and what replays a failure.
const { values } = parseArgs({ options: { steps: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } } });
const [steps = 0, seed = 0] = [values.steps, values.seed].map(Number);
if (!Number.isSafeInteger(steps) || steps < 1 || !Number.isSafeInteger(seed)) throw new Error('--steps and --seed are whole numbers');

const directory = mkdtempSync(join(tmpdir(), 'points-simulate-'));
const postgres = await startPostgres({ directory, durable: false });
const end = async (): Promise<void> => {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    console.log(`${signal}: ended before its last step`);
    void end().then(() => process.exit(1));
  });
try {
  const { database, url } = await freshLedger(postgres.adminUrl);
  const onProgress = (line: string) => console.log(line);
  const simulated = await simulate({ database, url, seed, steps, killEverySteps: 20_000, onProgress });
  await database.close();
  console.log(reportOf(simulated));
  process.exitCode = simulated.failure ? 1 : 0;
} finally {
  await end();
}
