import { isTransient, type Database, type Tx } from '@points/database';
import type { Logger } from '@points/observability';
import { instantOf, now } from '../clock.js';
import { firstIdOf } from '../ids.js';
import { OrdersRaced, placeOrders } from '../place-exchange-order/place-orders.js';
import { endUpload, inUpload, LeaseLost, writeBadLines, type Held, type Stand } from './lease.js';
import type { BadLine } from './read-orders.js';
import type { RawLine } from './split-lines.js';
import { linesFrom, openUpload, take, type OpenFile } from './upload-lines.js';
import { refusedLines, wishOf, type GoodLine } from './wishes.js';

/** Of one transaction. */
const bookBatchLines = 500;
/**
 * Orders of one upload that the ledger has not answered: enough for it never to wait, few enough that orders of people who wait are
 * not behind a long queue.
 */
export const pendingOrdersMax = 4_000;
/** While it waits for the ledger. */
const lookEveryMs = 50;

export type Booked = 'ended' | 'stopped';

export interface Booking {
  readonly database: Database;
  readonly held: Held;
  readonly log: Logger;
  readonly isStopping: () => boolean;
}

/**
 * Places the orders of a checked upload, batch by batch: orders, errors and how far it has come commit together, so a worker that is
 * killed leaves a place from which the next one goes on, and no line is booked twice or passed over.
 */
export async function bookUpload(booking: Booking): Promise<Booked> {
  const { database, held, isStopping } = booking;
  const { upload } = held;
  const file = await openUpload(database, upload);
  if ('reason' in file) throw new Error('assertion failed: an upload that was checked has a header');
  const lines = linesFrom(database, upload, { byte: Number(upload.read_bytes), lines: upload.read_lines });
  let isCancelled = false;
  for (let batch = await take(lines, bookBatchLines); batch.length > 0 && !isCancelled;) {
    const stand = await waitFor(booking, ({ pending, ...one }) => one.isCancelled || pending + batch.length <= pendingOrdersMax);
    if (isStopping()) return 'stopped';
    isCancelled = stand.isCancelled || (await bookLines(booking, file, batch)) === 'cancelled';
    batch = isCancelled ? [] : await take(lines, bookBatchLines);
  }
  // Reviews may have moved orders on meanwhile: the end is what the orders themselves say.
  do {
    const { pending } = await waitFor(booking, (one) => one.pending <= 0);
    if (pending > 0) return 'stopped';
  } while ((await inUpload(database, held, (tx) => recount(tx, held))) > 0);
  await inUpload(database, held, (tx) => endUpload(tx, held, isCancelled ? 'cancelled' : 'done'));
  return 'ended';
}

/** Until the ledger has come far enough, or the worker is to stop. */
async function waitFor({ database, held, isStopping }: Booking, isEnough: (stand: Stand) => boolean): Promise<Stand> {
  for (let since = Date.now(); ;) {
    const stand = await inUpload(database, held, async (tx, one) => {
      if (Date.now() - since < recountAfterMs || one.pending <= 0) return one;
      since = Date.now();
      return { ...one, pending: await recount(tx, held) };
    });
    if (isEnough(stand) || isStopping()) return stand;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Where one of the lines cannot be booked for a reason that nobody foresaw, the others are booked without it. */
async function bookLines(booking: Booking, file: OpenFile, batch: readonly RawLine[]): Promise<'booked' | 'cancelled'> {
  try {
    return await bookBatch(booking, file, batch);
  } catch (error) {
    const [only] = batch;
    const isRace = error instanceof OrdersRaced && batch.length > 1;
    if (error instanceof LeaseLost || (isTransient(error) && !isRace)) throw error;
    if (batch.length > 1 || !only) {
      for (const line of batch) if ((await bookLines(booking, file, [line])) === 'cancelled') return 'cancelled';
      return 'booked';
    }
    booking.log.error({ err: error, upload: booking.held.upload.id, line: only.n }, 'a line of an upload cannot be booked');
    const bad = { line: only.n, code: 'not-bookable', errors: [{ field: 'line', reason: 'cannot be booked; the operator has been told' }] };
    return inUpload(booking.database, booking.held, async (tx) => {
      await writeProgress(tx, booking.held, { last: only, processed: 1, bad: [bad], placed: 0, inReview: 0, known: 0 });
      return 'booked' as const;
    });
  }
}

function bookBatch({ database, held }: Booking, file: OpenFile, batch: readonly RawLine[]): Promise<'booked' | 'cancelled'> {
  const { upload } = held;
  return inUpload(database, held, async (tx, { isCancelled }) => {
    const [first, last] = [batch[0], batch.at(-1)];
    if (isCancelled || !first || !last) return 'cancelled';
    const skipped = await tx.query<{ line: number }>(selectBad, [upload.id, first.n, last.n]);
    const bad = new Set(skipped.map((one) => one.line));
    const good = batch.flatMap((raw): GoodLine[] => {
      const one = bad.has(raw.n) ? undefined : file.read(raw);
      return one && 'order' in one ? [one] : [];
    });
    const placed = await placeOrders(
      tx,
      good.map((one) => wishOf(upload, one)),
      now(),
    );
    const fresh = placed.flatMap((one) => ('order' in one && one.isNew ? [one] : []));
    await writeProgress(tx, held, {
      last,
      processed: good.length + bad.size,
      bad: refusedLines(good, placed),
      placed: fresh.length,
      inReview: fresh.filter((one) => one.order.view.state === 'in-review').length,
      known: placed.filter((one) => 'order' in one && !one.isNew).length,
    });
    return 'booked';
  });
}

interface Progress {
  readonly last: RawLine;
  readonly processed: number;
  readonly bad: readonly BadLine[];
  readonly placed: number;
  readonly inReview: number;
  readonly known: number;
}

async function writeProgress(tx: Tx, held: Held, { last, processed, bad, placed, inReview, known }: Progress): Promise<void> {
  await writeBadLines(tx, held, bad);
  await tx.write(progress, [held.upload.id, last.end, last.n, processed, bad.length, placed, known, inReview]);
}

/** Orders move by reviews and reversals too: how many still wait for the ledger, as they stand. Those in review wait for a person. */
async function recount(tx: Tx, { upload }: Held): Promise<number> {
  const since = firstIdOf(instantOf(upload.booking_at ?? upload.received_at));
  const [row] = await tx.query<{ pending: number }>(countEnded, [upload.id, upload.programme, upload.partner, since]);
  return row?.pending ?? 0;
}

/** Without an end told for so long, as when the ledger is away. */
const recountAfterMs = 30_000;

const selectBad = { name: 'upload_bad_lines', text: 'select line from order_upload_error where upload = $1 and line between $2 and $3' };

const progress = {
  name: 'upload_progress',
  text: `
    update order_upload set read_bytes = $2, read_lines = $3, processed = processed + $4, bad = bad + $5, placed = placed + $6, known = known + $7,
      in_review = in_review + $8
    where id = $1`,
};

/** In one statement, so that an end is either told or counted. */
const countEnded = `
  with told as (delete from order_upload_end where upload = $1),
  orders as (
    select count(*) filter (where state in ('completed', 'reversing', 'reversed'))::int as completed,
           count(*) filter (where state in ('refused', 'in-dispute'))::int as refused,
           count(*) filter (where state = 'in-review')::int as in_review
    from exchange_order where programme = $2 and partner = $3 and id >= $4 and upload = $1)
  update order_upload u set completed = o.completed, refused = o.refused, in_review = o.in_review from orders o where u.id = $1
  returning u.placed - u.completed - u.refused - u.in_review as pending`;
