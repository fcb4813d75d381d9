import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseArgs } from 'node:util';
import type { Instant } from '@points/kernel';
import { createLogger } from '@points/observability';
import { Chainer } from '../chain/chainer.js';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { ReleaseHolds } from '../release-holds/release-holds.js';
import { RollUp } from '../roll-up/roll-up.js';
import { benchProgramme } from './fill-books.js';
import { fillAccounts, growthBooks, type GrowthBooks } from './growth-books.js';
import { closedLoop, forSeconds, median, rounded, type Measure } from './measures.js';
import { mixedPosting } from './mixed-posting.js';
import { withThrowawayPostgres } from './throwaway-postgres.js';

// npm run bench -- soak --minutes 10 --json FILE: the ledger's parts in one process under mixed postings; is its memory flat?
const { values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, minutes: { type: 'string', default: '10' } },
});
const minutesMax = 120;
const minutes = Number(values.minutes);
if (!values.json || !Number.isInteger(minutes) || minutes < 1 || minutes > minutesMax) {
  console.error(`usage: npm run bench -- soak --json FILE [--minutes N, 1 to ${minutesMax}]`);
  process.exit(64); // EX_USAGE of sysexits.h
}
const { json } = values;
const [holders, callers, sampleMs] = [10_000, 32, 5_000];
const jobPauseMs = 1_000;
const countQueued = `
  select ((select count(*) from outbox) + (select count(*) from unsealed) + (select count(*) from unrolled))::int as queued`;
// Without a collection before each sample the heap's own rhythm would be measured.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Sample {
  readonly minute: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly queued: number;
}

await withThrowawayPostgres('soak', async ({ adminUrl, pid }) => {
  const books = await growthBooks(adminUrl, 'soak');
  try {
    await fillAccounts(books, holders, 3);
    const stopJobs = startJobs(books);
    const isOver = forSeconds(minutes * 60);
    const sampling = takeSamples(books, isOver);
    const load = await closedLoop(callers, isOver, pid, mixedPosting(books, holders));
    const samples = await sampling;
    await stopJobs();
    const measures = (['rssMb', 'heapMb', 'externalMb'] as const).map((figure): Measure => {
      // A third of the run is for caches, prepared statements and the heap to find their size.
      const settled = samples.slice(Math.floor(samples.length / 3));
      const [first, last] = [settled.slice(0, Math.ceil(settled.length / 4)), settled.slice(-Math.ceil(settled.length / 4))];
      const of = (list: readonly Sample[]) => median(list.map((one) => one[figure]));
      return {
        name: `soak_${figure.replace('Mb', '')}`,
        minutes,
        callers,
        postings: load.done,
        per_second: load.perSecond,
        p99_ms: load.p99Ms,
        first_mb: rounded(samples[0]?.[figure] ?? 0),
        settled_mb: rounded(of(first)),
        last_mb: rounded(of(last)),
        max_mb: rounded(Math.max(...samples.map((one) => one[figure]))),
        slope_mb_per_minute: rounded(slopeOf(settled.map((one) => [one.minute, one[figure]])), 3),
        queued_max: Math.max(...samples.map((one) => one.queued)),
        ratio: rounded(of(last) / of(first), 3),
        ratio_to: 'a third into the run',
      };
    });
    for (const { name, settled_mb, last_mb, slope_mb_per_minute, ratio } of measures)
      console.log(`${name.padEnd(14)} ${settled_mb} MB → ${last_mb} MB, ${slope_mb_per_minute} MB a minute, ${ratio} ×`);
    console.log(`${load.done} postings, ${load.perSecond}/s`);
    writeFileSync(json, `${JSON.stringify(measures, null, 2)}\n`);
  } finally {
    await books.close();
  }
});

/** What a service has besides its door, at the pace of its jobs or faster. */
function startJobs({ database, door }: GrowthBooks): () => Promise<void> {
  const now = () => new Date().toISOString() as Instant;
  const log = createLogger('bench', 'warn');
  const chainer = new Chainer({ database, now, log });
  const [rollUp, expiry, holds] = [new RollUp(database), new ExpireLots(database, now), new ReleaseHolds(database, door, now)];
  chainer.start();
  let isStopping = false;
  const rounds = async () => {
    while (!isStopping) {
      await rollUp.step();
      await holds.run();
      await expiry.run(benchProgramme, now());
      await new Promise((resolve) => setTimeout(resolve, jobPauseMs));
    }
  };
  // Trouble is kept until the end of the run, which it fails.
  const ended = rounds().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return async () => {
    isStopping = true;
    const trouble = await ended;
    if (trouble) throw trouble.error;
    await chainer.stop();
    await expiry.close();
  };
}

async function takeSamples({ admin }: GrowthBooks, isOver: () => boolean): Promise<Sample[]> {
  const started = performance.now();
  const samples: Sample[] = [];
  while (!isOver()) {
    await new Promise((resolve) => setTimeout(resolve, sampleMs));
    const { rows } = await admin.query<{ queued: number }>(countQueued);
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    const [rssMb = 0, heapMb = 0, externalMb = 0] = [rss, heapUsed, external].map((bytes) => bytes / 1_048_576);
    samples.push({ minute: (performance.now() - started) / 60_000, rssMb, heapMb, externalMb, queued: rows[0]?.queued ?? 0 });
  }
  return samples;
}

/** Least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const [over, under] = points.reduce(([a, b], point) => [a + (point[0] - x) * (point[1] - y), b + (point[0] - x) ** 2], [0, 0]);
  return under === 0 ? 0 : over / under;
}
