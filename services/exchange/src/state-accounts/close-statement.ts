import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { jstDateOf, uuidv7, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import { monthOf } from '../rules/account.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { announce } from '../tell-partners/announce.js';
import { account, boundsOf, findStatement, lastClosed, nextMonth, standOf, type StatementKey } from './find-statement.js';
import type { MakeCorrection, StatementView } from './statement-shapes.js';

interface Actor {
  readonly client: string;
  readonly now: Instant;
}

/**
 * Closes the statement of a month for good: its lines are marked, its figures stored. What is recorded later of this month falls to the
 * next one and says so. Closing again changes nothing.
 * @throws Problem
 */
export async function closeStatement(
  tx: Tx,
  key: StatementKey & PartnerKey,
  reason: string,
  { client, now }: Actor,
): Promise<{ readonly isNew: boolean; readonly statement: StatementView }> {
  await lockPartner(tx, key);
  const standing = await standOf(tx, key);
  if (standing.state === 'closed') return { isNew: false, statement: await findStatement(tx, key) };
  if (standing.state === 'passed')
    throw problem(409, 'month-passed', 'a later month is closed; what belongs to this one falls to the next open month');
  const { to } = boundsOf(key.month);
  if (now < to) throw problem(422, 'month-not-over', `the month ends at ${to}`, { closesFrom: to });
  await checkEarlier(tx, key);
  await checkCorrections(tx, key, to, client);
  const id = uuidv7();
  for (const statement of mark) await tx.write(statement, [id, key.programme, key.partner, to]);
  const figures = await account(tx, key, { statement: id });
  await tx.write(insertStatement, [
    ...[id, key.municipality, key.programme, key.partner, key.month, JSON.stringify(figures), client, now, reason],
  ]);
  const { municipality, programme, partner, month } = key;
  const data = { month, totalYen: figures.net.totalYen, closedAt: now };
  await announce(tx, [{ municipality, programme, partner, type: 'statement.closed', data }]);
  return { isNew: true, statement: await findStatement(tx, key) };
}

/** Adds a line to the open month; nothing else is ever changed. @throws Problem */
export async function makeCorrection(
  tx: Tx,
  key: PartnerKey,
  { yen, cause, orderId }: MakeCorrection,
  { client, now }: Actor,
): Promise<string> {
  await lockPartner(tx, key);
  if (orderId !== undefined) {
    const [order] = await tx.query('select 1 from exchange_order where programme = $1 and partner = $2 and order_id = $3', [
      key.programme,
      key.partner,
      orderId,
    ]);
    if (!order) throw problem(422, 'unknown-order', 'the partner has no such order', { orderId });
  }
  const id = uuidv7();
  await tx.write(
    `insert into statement_correction (id, tenant, programme, partner, yen, cause, order_id, made_by, made_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [id, key.municipality, key.programme, key.partner, yen, cause, orderId ?? null, client, now],
  );
  return id;
}

/** Two closes of one partner queue up here. */
async function lockPartner(tx: Tx, { programme, partner }: PartnerKey): Promise<void> {
  const [row] = await tx.query('select 1 from partner where programme = $1 and partner = $2 for update', [programme, partner]);
  if (!row) throw problem(404, 'unknown-partner', 'the programme has no such partner');
}

/** A month that has lines of its own is never passed over in silence. */
async function checkEarlier(tx: Tx, key: StatementKey): Promise<void> {
  const last = await lastClosed(tx, key);
  if (last !== undefined && key.month === nextMonth(last)) return;
  const [row] = await tx.query<{ first: Date | null }>(
    'select min(happened_at) as first from account_line where programme = $1 and partner = $2 and statement is null and happened_at < $3',
    [key.programme, key.partner, boundsOf(key.month).from],
  );
  if (!row?.first) return;
  const own = monthOf(jstDateOf(instantOf(row.first)));
  const month = last !== undefined && own <= last ? nextMonth(last) : own;
  throw problem(409, 'earlier-month-open', `the statement of ${month} has lines and is not closed`, { month });
}

async function checkCorrections(tx: Tx, { programme, partner }: StatementKey, to: Instant, client: string): Promise<void> {
  const [own] = await tx.query(
    'select 1 from statement_correction where programme = $1 and partner = $2 and statement is null and made_at < $3 and made_by = $4 limit 1',
    [programme, partner, to, client],
  );
  if (own) throw problem(403, 'same-person', 'whoever made a correction cannot close the statement that it is in', { correctedBy: client });
}

/** Only what is committed by now is seen and marked; the rest is late. */
const mark = [
  {
    name: 'mark_orders',
    text: `update order_booking set statement = $1 where programme = $2 and partner = $3 and statement is null and booked_at < $4`,
  },
  {
    name: 'mark_bonuses',
    text: `update exchange_order set bonus_statement = $1
           where programme = $2 and partner = $3 and bonus_statement is null and bonus_booked_at < $4`,
  },
  {
    name: 'mark_reversals',
    text: `update order_reversal set statement = $1 where programme = $2 and partner = $3 and statement is null and reversed_at < $4`,
  },
  {
    name: 'mark_bonus_reversals',
    text: `update order_reversal set bonus_statement = $1
           where programme = $2 and partner = $3 and bonus_statement is null and bonus_reversed_at < $4`,
  },
  {
    name: 'mark_corrections',
    text: `update statement_correction set statement = $1 where programme = $2 and partner = $3 and statement is null and made_at < $4`,
  },
] as const;

const insertStatement = {
  name: 'insert_statement',
  text: `
    insert into partner_statement (id, tenant, programme, partner, month, account, closed_by, closed_at, reason)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
};
