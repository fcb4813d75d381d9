import { parseArgs } from 'node:util';
import { measurePos } from './pos.js';

const usage = `usage: npm run bench -- pos --json FILE [--seconds N] [--profile DIR]
  measures full POS payments through identity, settlement and ledger on throwaway durable infrastructure
  --seconds N    of each level, 10 unless told
  --profile DIR  writes a CPU profile of each service there (and makes them slower)`;

const read = () =>
  parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, seconds: { type: 'string', default: '10' }, profile: { type: 'string' } },
  });

let given: ReturnType<typeof read>;
try {
  given = read();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exit(64); // EX_USAGE of sysexits.h
}
const { json, profile } = given.values;
const seconds = Number(given.values.seconds);
if (given.positionals.join(' ') !== 'pos' || json === undefined || !Number.isInteger(seconds) || seconds < 1 || seconds > 600) {
  console.error(usage);
  process.exit(64);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
try {
  const report = await measurePos({ json, seconds, signal: stop.signal, say: console.log, ...(profile !== undefined && { profile }) });
  process.exit(report.faults.length > 0 ? 1 : 0);
} catch (error) {
  console.error(stop.signal.aborted ? 'stopped' : error);
  // Calls that were under way when it was stopped may still wait for an answer.
  process.exit(1);
}
