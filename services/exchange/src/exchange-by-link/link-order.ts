import type { Tx } from '@points/database';
import { IsCount, problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { IsInstant } from '@points/http';
import { IsOptional, IsString, IsUUID } from 'class-validator';
import { instantOf } from '../clock.js';
import type { ExchangeOrderKey } from '../ids.js';
import { linkOrderAfter, partnerStepOf } from '../rules/link-order-state.js';
import type { OrderState } from '../rules/order-state.js';

/** A partner that has not reserved by then is given up: somebody waits in front of a page. */
export const reserveWithinMs = 120_000;

/** How an order of a linked account stands at its partner. */
export class AtPartnerView {
  @IsUUID()
  link!: string;

  /** When the reservation goes back by itself; present once reserved. */
  @IsOptional()
  @IsInstant()
  lapsesAt?: string;

  /** The partner's own number of the taken points; present once committed. */
  @IsOptional()
  @IsString()
  receipt?: string;

  /** Of the step that is due now. */
  @IsCount()
  attempts!: number;

  /** Absent when the partner has nothing to do, or the attempts are used up: then an operator has to ask for more. */
  @IsOptional()
  @IsInstant()
  nextAttemptAt?: string;

  @IsOptional()
  @IsString()
  lastProblem?: string;
}

/** Orders of linked accounts; the job takes those that are due from here. */
export async function insertLinkOrders(
  tx: Tx,
  orders: readonly { readonly id: string; readonly municipality: string; readonly link: string; readonly isDue: boolean }[],
  now: Instant,
): Promise<void> {
  if (orders.length === 0) return;
  const reserveUntil = new Date(Date.parse(now) + reserveWithinMs);
  await tx.write(insertRows, [
    orders.map((one) => one.id),
    orders.map((one) => one.municipality),
    orders.map((one) => one.link),
    orders.map((one) => one.isDue),
    reserveUntil,
  ]);
}

/** Which of these holders have an account of the partner linked, by `<programme> <partner> <holder>`. */
export async function readLinks(
  tx: Tx,
  wanted: readonly { readonly programme: string; readonly partner: string; readonly holder: string }[],
): Promise<Map<string, string>> {
  if (wanted.length === 0) return new Map();
  const rows = await tx.query<{ programme: string; partner: string; holder: string; id: string }>(selectLinks, [
    wanted.map((one) => one.programme),
    wanted.map((one) => one.partner),
    wanted.map((one) => one.holder),
  ]);
  return new Map(rows.map((row) => [linkKey(row), row.id]));
}

export function linkKey({ programme, partner, holder }: { programme: string; partner: string; holder: string }): string {
  return `${programme} ${partner} ${holder}`;
}

/** A person has let it pass: the partner has its time from now on. */
export async function beginReserving(tx: Tx, id: string, now: Instant): Promise<void> {
  await tx.write('update link_order set reserve_until = $2 where id = $1', [id, new Date(Date.parse(now) + reserveWithinMs)]);
  await makeDue(tx, [id]);
}

/** The partner is due for these orders, now and with all its attempts. */
export async function makeDue(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length) await tx.write(makeDueStatement, [ids]);
}

export async function findAtPartner(tx: Tx, id: string): Promise<AtPartnerView | undefined> {
  const [row] = await tx.query<{
    link: string;
    lapses_at: Date | null;
    receipt: string | null;
    attempts: number;
    next_attempt_at: Date | null;
    last_problem: string | null;
  }>('select link, lapses_at, receipt, attempts, next_attempt_at, last_problem from link_order where id = $1', [id]);
  return (
    row && {
      link: row.link,
      ...(row.lapses_at && { lapsesAt: instantOf(row.lapses_at) }),
      ...(row.receipt !== null && { receipt: row.receipt }),
      attempts: row.attempts,
      ...(row.next_attempt_at && { nextAttemptAt: instantOf(row.next_attempt_at) }),
      ...(row.last_problem !== null && { lastProblem: row.last_problem }),
    }
  );
}

/**
 * For an operator: the partner is asked again, now and with all its attempts. An order in dispute has its commit asked again when its points
 * are issued (the partner has put things right), its cancel otherwise. @throws Problem
 */
export async function askPartnerAgain(tx: Tx, { programme, partner, orderId }: ExchangeOrderKey): Promise<void> {
  const [row] = await tx.query<{ id: string; state: OrderState; posting: string | null; channel: string }>(lockOrder, [
    programme,
    partner,
    orderId,
  ]);
  if (row?.channel !== 'link') throw problem(404, 'unknown-order', 'the partner has no such order of a linked account');
  const state =
    row.state === 'in-dispute'
      ? linkOrderAfter(row.state, row.posting === null ? 'cancel-asked-again' : 'commit-asked-again')
      : partnerStepOf(row.state) && row.state;
  if (!state) throw problem(409, 'not-waiting', `the order does not wait for its partner: it is ${row.state}`, { state: row.state });
  if (state !== row.state) await tx.write(leaveDispute, [row.id, state]);
  await makeDue(tx, [row.id]);
}

/** What the partner had refused is open again. */
const leaveDispute = `
  update exchange_order set state = $2, refusal = case when $2 <> 'committing' then refusal end, updated_at = now() where id = $1`;

const insertRows = {
  name: 'insert_link_orders',
  text: `
    insert into link_order (id, tenant, link, reserve_until, next_attempt_at)
    select id, tenant, link, $5, case when is_due then now() end
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::boolean[]) as i (id, tenant, link, is_due) order by id`,
};

const selectLinks = {
  name: 'links_of_holders',
  text: `
    select l.programme, l.partner, l.holder, l.id
    from unnest($1::text[], $2::text[], $3::uuid[]) as w (programme, partner, holder)
    join account_link l on l.programme = w.programme and l.partner = w.partner and l.holder = w.holder and l.state = 'linked'`,
};

const makeDueStatement = {
  name: 'make_link_orders_due',
  text: `
    update link_order set attempts = 0, lease = null, next_attempt_at = now(), last_problem = null, updated_at = now()
    where id = any ($1::uuid[])`,
};

const lockOrder = `
  select id, state, posting, channel from exchange_order where programme = $1 and partner = $2 and order_id = $3 for update`;
