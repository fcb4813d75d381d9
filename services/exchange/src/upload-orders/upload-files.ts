import { tenants, type Database } from '@points/database';
import { csvCell, type Cell } from '@points/http';
import { instantOf } from '../clock.js';
import type { RefusalView } from '../place-exchange-order/order-view.js';
import type { OrderState } from '../rules/order-state.js';
import type { LineError, UploadFormat } from './read-orders.js';
import { linesFrom, openUpload, take } from './upload-lines.js';
import type { UploadRow } from './upload.js';

/** Lines of one read: what is in memory of a file at a time. */
const pageLines = 1_000;

export interface LinesFile {
  readonly header: readonly string[];
  readonly lines: AsyncIterable<readonly Record<string, Cell>[]>;
}

/** Every error of a line is one line of the file. */
export function errorsFile(database: Database, upload: UploadRow): LinesFile {
  return { header: ['line', 'orderId', 'code', 'field', 'reason'], lines: errorLines(database, upload) };
}

async function* errorLines(database: Database, upload: UploadRow): AsyncGenerator<Record<string, Cell>[]> {
  for (let last = 0; ;) {
    const after = last;
    const rows = await database.transaction(tenants(upload.tenant), (tx) =>
      tx.query<ErrorRow>(selectErrors, [upload.id, after, pageLines]),
    );
    if (rows.length === 0) return;
    yield rows.flatMap(({ line, order_id: orderId, code, errors }) =>
      errors.map(({ field, reason }) => ({ line, orderId, code, field, reason })),
    );
    last = rows.at(-1)?.line ?? last;
  }
}

/** One line for each line of the upload, as its order stands now. */
export function resultsFile(database: Database, upload: UploadRow): LinesFile {
  return {
    header: ['line', 'orderId', 'result', 'municipalPoints', 'posting', 'bookedAt', 'code', 'reason'],
    lines: resultLines(database, upload),
  };
}

/**
 * bad: has errors, and nothing of it was booked. good: of a dry run. waiting: not booked yet. not-booked: never will be, because the
 * upload was cancelled or failed. The others are states of its order.
 */
type LineResult = 'bad' | 'good' | 'waiting' | 'not-booked' | OrderState;

async function* resultLines(database: Database, upload: UploadRow): AsyncGenerator<Record<string, Cell>[]> {
  const file = await openUpload(database, upload);
  if ('reason' in file) return;
  const lines = linesFrom(database, upload, file.first);
  for (let batch = await take(lines, pageLines); batch.length > 0; batch = await take(lines, pageLines)) {
    const read = batch.flatMap((raw) => file.read(raw) ?? []);
    const ids = read.flatMap((one) => ('order' in one ? one.order.orderId : []));
    const range = [batch[0]?.n ?? 0, batch.at(-1)?.n ?? 0];
    const [errors, orders] = await database.transaction(tenants(upload.tenant), async (tx) => [
      await tx.query<ErrorRow>(selectErrorsBetween, [upload.id, ...range]),
      await tx.query<OrderRow>(selectOrders, [upload.programme, upload.partner, ids]),
    ]);
    const [errorOf, orderOf] = [new Map(errors.map((one) => [one.line, one])), new Map(orders.map((one) => [one.order_id, one]))];
    yield read.map((one) => {
      const orderId = 'order' in one ? one.order.orderId : one.orderId;
      const bad = errorOf.get(one.line);
      const result = { line: one.line, orderId };
      if (bad)
        return {
          ...result,
          result: 'bad' satisfies LineResult,
          code: bad.code,
          reason: bad.errors.map(({ field, reason }) => `${field} ${reason}`).join('; '),
        };
      if (upload.is_dry_run) return { ...result, result: 'good' satisfies LineResult };
      const order = one.line <= upload.read_lines ? orderOf.get(orderId ?? '') : undefined;
      if (!order) return { ...result, result: upload.ended_at ? 'not-booked' : 'waiting' };
      return {
        ...result,
        result: order.state,
        municipalPoints: Number(order.municipal_points),
        posting: order.posting,
        bookedAt: order.booked_at && instantOf(order.booked_at),
        code: order.refusal?.code,
        reason: order.refusal?.detail,
      };
    });
  }
}

/** As CSV with a byte order mark and CRLF, or as JSON Lines. */
export async function* written({ header, lines }: LinesFile, format: UploadFormat): AsyncGenerator<string> {
  if (format === 'csv') yield `\uFEFF${header.join(',')}\r\n`;
  for await (const page of lines)
    yield page
      .map((line) => (format === 'csv' ? `${header.map((name) => csvCell(line[name])).join(',')}\r\n` : `${JSON.stringify(line)}\n`))
      .join('');
}

interface ErrorRow {
  readonly line: number;
  readonly order_id: string | null;
  readonly code: string;
  readonly errors: readonly LineError[];
}

interface OrderRow {
  readonly order_id: string;
  readonly state: OrderState;
  readonly municipal_points: string;
  readonly posting: string | null;
  readonly booked_at: Date | null;
  readonly refusal: RefusalView | null;
}

const selectErrors = {
  name: 'upload_errors',
  text: 'select line, order_id, code, errors from order_upload_error where upload = $1 and line > $2 order by line limit $3',
};

const selectErrorsBetween = {
  name: 'upload_errors_between',
  text: 'select line, order_id, code, errors from order_upload_error where upload = $1 and line between $2 and $3',
};

const selectOrders = {
  name: 'upload_orders',
  text: `
    select order_id, state, municipal_points, posting, booked_at, refusal from exchange_order
    where programme = $1 and partner = $2 and order_id = any ($3)`,
};
