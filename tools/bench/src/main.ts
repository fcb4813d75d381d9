import { parseArgs } from 'node:util';
import { measureExchange } from './exchange.js';
import { measurePos } from './pos.js';
import { measureUpload } from './upload.js';

const usage = `usage: npm run bench -- pos|exchange|upload --json FILE [--seconds N] [--past N] [--rows N] [--profile DIR]
  all on throwaway durable infrastructure:
  pos            full POS payments through identity, settlement and ledger
  exchange       exchange orders through identity, exchange and ledger, until their points are lots
  upload         a file of exchange orders, until all of its rows are lots
  --seconds N    of each level of pos and exchange, 10 unless told
  --past N       past orders that the exchange has at its last level, at most 10000000, 200000 unless told
  --rows N       of the file, 100000 unless told
  --profile DIR  writes a CPU profile of each service there (and makes them slower)`;

const read = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      past: { type: 'string', default: '200000' },
      rows: { type: 'string', default: '100000' },
      profile: { type: 'string' },
    },
  });

let given: ReturnType<typeof read>;
try {
  given = read();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exit(64); // EX_USAGE of sysexits.h
}
const { json, profile } = given.values;
const what = given.positionals.join(' ');
const inRange = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
const [seconds, pastOrders, rows] = [Number(given.values.seconds), Number(given.values.past), Number(given.values.rows)];
const isRight = inRange(seconds, 600) && inRange(pastOrders, 10_000_000) && inRange(rows, 1_000_000);
if (!['pos', 'exchange', 'upload'].includes(what) || json === undefined || !isRight) {
  console.error(usage);
  process.exit(64);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
try {
  const options = { json, seconds, signal: stop.signal, say: console.log, ...(profile !== undefined && { profile }) };
  const report =
    what === 'pos'
      ? await measurePos(options)
      : what === 'exchange'
        ? await measureExchange({ ...options, pastOrders })
        : await measureUpload({ ...options, rows });
  process.exit(report.faults.length > 0 ? 1 : 0);
} catch (error) {
  console.error(stop.signal.aborted ? 'stopped' : error);
  // Calls that were under way when it was stopped may still wait for an answer.
  process.exit(1);
}
