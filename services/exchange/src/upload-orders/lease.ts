import { tenants, type Database, type Tx } from '@points/database';
import { instantOf } from '../clock.js';
import type { UploadEnd } from '../rules/upload-end.js';
import { announce } from '../tell-partners/announce.js';
import type { UploadFailure, UploadRow } from './upload.js';
import type { BadLine } from './read-orders.js';

/** Renewed with every batch, which takes some hundred milliseconds; a worker that is killed loses its uploads to others after it. */
export const leaseSeconds = 30;

/** Another worker has the upload now: it lost its lease, or it has ended. */
export class LeaseLost extends Error {}

/** An upload in the hands of one worker. */
export interface Held {
  readonly upload: UploadRow;
  readonly worker: string;
}

export interface Stand {
  /** Orders that were placed and whose end nobody has told yet. */
  readonly pending: number;
  readonly isCancelled: boolean;
}

/** First in every transaction that works on an upload: what a worker does that has lost it is rolled back. @throws LeaseLost */
export async function holdOn(tx: Tx, { upload, worker }: Held): Promise<Stand> {
  const [row] = await tx.query<{ pending: number; is_cancelled: boolean }>(renew, [upload.id, worker, leaseSeconds]);
  if (!row) throw new LeaseLost(`the upload ${upload.id} is in other hands`);
  return { pending: row.pending, isCancelled: row.is_cancelled };
}

/** Where an upload ends, for whatever reason: the partner is told. Nothing of it changes after but by orders that a person lets go on. */
export async function endUpload(tx: Tx, { upload }: Held, state: UploadEnd, failure?: UploadFailure): Promise<void> {
  const [row] = await tx.query<EndedRow>(end, [upload.id, state, failure ? JSON.stringify(failure) : null]);
  if (!row) throw new Error('assertion failed: an upload in the hands of a worker stays');
  const { bad, known, placed, completed: booked, refused, in_review: inReview, lines } = row;
  const data = {
    ...{ upload: upload.id, state, dryRun: upload.is_dry_run, bad, known, placed, booked, refused, inReview },
    ...(lines !== null && { lines }),
    ...failure,
    endedAt: instantOf(row.ended_at),
  };
  const { tenant: municipality, programme, partner } = upload;
  await announce(tx, [{ municipality, programme, partner, type: 'order-upload.ended', data }]);
}

type Counted = 'bad' | 'known' | 'placed' | 'completed' | 'refused' | 'in_review';

interface EndedRow extends Readonly<Record<Counted, number>> {
  readonly lines: number | null;
  readonly ended_at: Date;
}

export async function writeBadLines(tx: Tx, { upload }: Held, bad: readonly BadLine[]): Promise<void> {
  if (bad.length === 0) return;
  await tx.write(insertErrors, [
    upload.id,
    upload.tenant,
    bad.map((one) => one.line),
    bad.map((one) => one.orderId ?? null),
    bad.map((one) => one.code),
    bad.map((one) => JSON.stringify(one.errors)),
  ]);
}

export function inUpload<T>(database: Database, held: Held, work: (tx: Tx, stand: Stand) => Promise<T>): Promise<T> {
  return database.transaction(tenants(held.upload.tenant), async (tx) => work(tx, await holdOn(tx, held)));
}

/** Adds up the ends that were told since the last time. */
const renew = {
  name: 'renew_upload',
  text: `
    with told as (delete from order_upload_end where upload = $1 returning completed, refused),
    ended as (select coalesce(sum(completed), 0)::int as completed, coalesce(sum(refused), 0)::int as refused from told)
    update order_upload u set lease_until = now() + make_interval(secs => $3), completed = u.completed + e.completed, refused = u.refused + e.refused
    from ended e
    where u.id = $1 and u.worker = $2 and u.state in ('received', 'checking', 'booking')
    returning u.placed - u.completed - u.refused - u.in_review as pending, u.cancel_asked_at is not null as is_cancelled`,
};

const end = {
  name: 'end_upload',
  text: `
    update order_upload set state = $2, failure = $3::jsonb, ended_at = clock_timestamp(), worker = null, lease_until = null where id = $1
    returning lines, bad, known, placed, completed, refused, in_review, ended_at`,
};

const insertErrors = {
  name: 'insert_upload_errors',
  text: `
    insert into order_upload_error (upload, tenant, line, order_id, code, errors)
    select $1, $2, * from unnest($3::integer[], $4::text[], $5::text[], $6::jsonb[])`,
};
