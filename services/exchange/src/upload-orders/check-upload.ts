import type { Database } from '@points/database';
import { now } from '../clock.js';
import { tryOrders } from '../place-exchange-order/place-orders.js';
import { endUpload, inUpload, writeBadLines, type Held } from './lease.js';
import { NumberTable } from './number-table.js';
import type { BadLine, OrderLine } from './read-orders.js';
import { linesFrom, openUpload, take, type OpenFile } from './upload-lines.js';
import { badLinesMax, uploadLinesMax, type UploadFailure } from './upload.js';
import { refusedLines, wishOf, type GoodLine } from './wishes.js';

/** Lines of one transaction: those that are only read, and those that the rules are asked about. */
const readBatchLines = 5_000;
const tryBatchLines = 1_000;

export type Checked = 'to-book' | 'ended' | 'stopped';

/**
 * Reads all lines before the first is booked. It begins anew when its worker dies: what it has found so far of other lines (the same
 * order id, sums of caps) is in memory, and it takes seconds. A dry run and a whole file are asked about by the rules as well.
 */
export async function checkUpload(database: Database, held: Held, isStopping: () => boolean): Promise<Checked> {
  const { upload } = held;
  const isTried = upload.is_dry_run || upload.mode === 'whole-file';
  await inUpload(database, held, async (tx) => {
    await tx.write('delete from order_upload_error where upload = $1', [upload.id]);
    await tx.write(`update order_upload set state = 'checking', checking_at = now(), checked = 0, bad = 0, known = 0 where id = $1`, [
      upload.id,
    ]);
  });
  const file = await openUpload(database, upload);
  if ('reason' in file) return fail(database, held, { code: 'no-header', detail: file.reason });
  const seen = new SeenLines();
  const counted = new NumberTable();
  let [checked, bad] = [0, 0];
  const lines = linesFrom(database, upload, file.first);
  for (let batch = await take(lines, isTried ? tryBatchLines : readBatchLines); batch.length > 0;) {
    const { good, wrong } = readAll(batch, file, seen);
    const stand = await inUpload(database, held, async (tx, { isCancelled }) => {
      if (isCancelled) {
        await endUpload(tx, held, 'cancelled');
        return { isCancelled, bad: 0 };
      }
      const { refused, known, keep } = isTried ? await tryLines(tx, held, good, counted) : { refused: [], known: 0, keep: () => undefined };
      const all = [...wrong, ...refused];
      await writeBadLines(tx, held, all);
      await tx.write(writeProgress, [upload.id, good.length + wrong.length, all.length, known]);
      tx.afterCommit(keep);
      return { isCancelled, bad: all.length };
    });
    if (stand.isCancelled) return 'ended';
    checked += good.length + wrong.length;
    bad += stand.bad;
    if (checked > uploadLinesMax)
      return fail(database, held, { code: 'too-many-lines', detail: `a file has at most ${uploadLinesMax} lines with an order; cut it` });
    if (bad > badLinesMax)
      return fail(database, held, {
        code: 'too-many-bad-lines',
        detail: `${bad} of the first ${checked} lines have errors; nothing was booked`,
      });
    if (isStopping()) return 'stopped';
    batch = await take(lines, isTried ? tryBatchLines : readBatchLines);
  }
  if (checked === 0) return fail(database, held, { code: 'no-lines', detail: 'the file has no line with an order' });
  if (upload.mode === 'whole-file' && bad > 0 && !upload.is_dry_run)
    return fail(database, held, { code: 'bad-lines', detail: `${bad} of ${checked} lines have errors; nothing was booked` }, checked);
  return inUpload(database, held, async (tx) => {
    await tx.write(upload.is_dry_run ? setLines : beginBooking, [
      upload.id,
      checked,
      ...(upload.is_dry_run ? [] : [file.first.byte, file.first.lines]),
    ]);
    if (upload.is_dry_run) await endUpload(tx, held, 'done');
    return upload.is_dry_run ? 'ended' : 'to-book';
  });
}

async function tryLines(
  tx: Parameters<typeof tryOrders>[0],
  { upload }: Held,
  good: readonly GoodLine[],
  counted: NumberTable,
): Promise<{ refused: BadLine[]; known: number; keep: () => void }> {
  const { placed, tally } = await tryOrders(tx, {
    programme: upload.programme,
    wishes: good.map((one) => wishOf(upload, one)),
    now: now(),
    before: ({ key, period }) => counted.get(`${period} ${key}`) ?? 0,
  });
  return {
    refused: refusedLines(good, placed),
    known: placed.filter((one) => 'order' in one && !one.isNew).length,
    keep: () => {
      for (const { key, period, amount } of tally.changes) {
        const name = `${period} ${key}`;
        counted.set(name, (counted.get(name) ?? 0) + amount);
      }
    },
  };
}

function readAll(batch: Parameters<OpenFile['read']>[0][], file: OpenFile, seen: SeenLines): { good: GoodLine[]; wrong: BadLine[] } {
  const [good, wrong]: [GoodLine[], BadLine[]] = [[], []];
  for (const raw of batch) {
    const one = file.read(raw);
    if (!one) continue;
    if (!('order' in one)) {
      wrong.push(one);
      continue;
    }
    const first = seen.otherThan(one.order, one.line);
    if (first === undefined) good.push(one);
    else
      wrong.push({
        line: one.line,
        orderId: one.order.orderId,
        code: 'order-exists',
        errors: [{ field: 'orderId', reason: `is that of line ${first}, which has other content` }],
      });
  }
  return { good, wrong };
}

/** By order id: the line where it came first, and a hash of its content. */
class SeenLines {
  private readonly table = new NumberTable();

  /** The earlier line with this id and other content. The same content twice is one order. */
  otherThan(order: OrderLine, line: number): number | undefined {
    const content = hashOf(`${order.myKeyId} ${order.partnerPoints} ${order.municipalPoints ?? ''} ${order.acceptedAt ?? ''}`);
    const known = this.table.get(order.orderId);
    if (known === undefined) this.table.set(order.orderId, content * lineNumbers + line);
    else if (Math.floor(known / lineNumbers) !== content) return known % lineNumbers;
    return undefined;
  }
}

/** A safe integer has 53 bits: 29 of the content and 24 of the line, whose number counts blank lines too. */
const lineNumbers = 2 ** 24;

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 16)) & 0x1fffffff;
}

async function fail(database: Database, held: Held, failure: UploadFailure, lines?: number): Promise<'ended'> {
  await inUpload(database, held, async (tx) => {
    if (lines !== undefined) await tx.write(setLines, [held.upload.id, lines]);
    await endUpload(tx, held, 'failed', failure);
  });
  return 'ended';
}

const writeProgress = {
  name: 'upload_checked',
  text: 'update order_upload set checked = checked + $2, bad = bad + $3, known = known + $4 where id = $1',
};

const setLines = { name: 'upload_lines', text: 'update order_upload set lines = $2 where id = $1' };

const beginBooking = {
  name: 'begin_booking',
  text: `
    update order_upload set state = 'booking', booking_at = clock_timestamp(), lines = $2, read_bytes = $3, read_lines = $4, processed = 0, known = 0
    where id = $1`,
};
