import { cpuMsOf } from '@points/infrastructure';
import { uuidv7 } from '@points/kernel';
import { emptyOutbox } from './empty-outbox.js';
import { benchProgramme, holderAccount, type Books } from './fill-books.js';
import type { Pgbench } from './pgbench.js';

/** The form of the JSON file; names in snake_case as other tools of measurement write them. */
export interface Measured {
  readonly name: string;
  readonly callers: number;
  readonly postings: number;
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Of the process that has the door and of PostgreSQL together. */
  readonly cpu_us_per_posting: number;
  readonly ratio: number;
  readonly ratio_to: string;
}

interface Shape {
  readonly name: string;
  readonly callers: number;
  readonly bulk: number;
  readonly pick: (holders: number) => { account: string; to: string };
  readonly against: keyof Pgbench;
}

const any = (n: number) => Math.floor(Math.random() * n);
const manyMerchants = () => `merchant:m${any(1_000)}`;

export const shapes: readonly Shape[] = [
  { name: 'hot_holder', callers: 64, bulk: 1, pick: () => ({ account: holderAccount(7), to: 'merchant:m1' }), against: 'hotRow' },
  {
    name: 'hot_merchant',
    callers: 64,
    bulk: 1,
    pick: () => ({ account: holderAccount(any(10_000)), to: 'merchant:m1' }),
    against: 'hotRow',
  },
  {
    name: 'cold',
    callers: 64,
    bulk: 1,
    pick: (holders) => ({ account: holderAccount(any(holders)), to: manyMerchants() }),
    against: 'tpcB',
  },
  {
    name: 'bulk50',
    callers: 16,
    bulk: 50,
    pick: (holders) => ({ account: holderAccount(any(holders)), to: manyMerchants() }),
    against: 'tpcB',
  },
];

export const warmUpSeconds = 2;
export const ratioTo: Readonly<Record<keyof Pgbench, string>> = { hotRow: 'pgbench, one hot row', tpcB: 'pgbench, TPC-B scale 10' };

/** Closed loop: each caller posts again when it has been answered. A refusal ends the run. */
export async function measureDoor(
  books: Books,
  shape: Shape,
  { seconds, postgresPid, bench }: { seconds: number; postgresPid: number; bench: Pgbench },
): Promise<Measured> {
  const stopRelay = await emptyOutbox(books.adminUrl);
  const warm = await load(books, shape, warmUpSeconds);
  const before = { own: process.cpuUsage(), server: cpuMsOf(postgresPid) };
  const { times, postings, elapsedMs } = await load(books, shape, seconds);
  const own = process.cpuUsage(before.own);
  const cpuUs = own.user + own.system + (cpuMsOf(postgresPid) - before.server) * 1_000;
  await stopRelay();
  times.sort((a, b) => a - b);
  const at = (share: number) => round(times[Math.floor(times.length * share)] ?? 0);
  const perSecond = (postings / elapsedMs) * 1_000;
  return {
    name: shape.name,
    callers: shape.callers,
    postings: postings + warm.postings,
    per_second: Math.round(perSecond),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    cpu_us_per_posting: round(cpuUs / postings),
    ratio: round(perSecond / bench[shape.against]),
    ratio_to: ratioTo[shape.against],
  };
}

async function load(
  { door, holders }: Books,
  { callers, bulk, pick }: Shape,
  seconds: number,
): Promise<{ times: number[]; postings: number; elapsedMs: number }> {
  const times: number[] = [];
  let postings = 0;
  const started = performance.now();
  const end = started + seconds * 1_000;
  const request = () => {
    const { account, to } = pick(holders);
    return {
      reference: `bench:${uuidv7()}`,
      programme: benchProgramme,
      account,
      instruction: { kind: 'spend' as const, amount: 1, to, places: ['shop:a'] },
      actor: 'bench',
      announce: { requester: 'settlement' },
    };
  };
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < end) {
        const before = performance.now();
        // The amounts are whole by construction; toInstruction brands them on the way in from outside.
        const completed = await door.post(Array.from({ length: bulk }, request) as unknown as Parameters<typeof door.post>[0]);
        times.push(performance.now() - before);
        postings += bulk;
        const refused = completed.find(({ outcome }) => outcome.status !== 'posted');
        if (refused) throw new Error(`a posting was refused: ${JSON.stringify(refused.outcome)}`);
      }
    }),
  );
  return { times, postings, elapsedMs: performance.now() - started };
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
