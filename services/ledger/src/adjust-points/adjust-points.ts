import type { PostingOutcome } from '@points/contracts';
import type { Tx } from '@points/database';
import { answer, problem, type Answer } from '@points/http';
import { parsePoints, points, tenantOf, uuidv7, type Instant, type ProgrammeId } from '@points/kernel';
import { postOne, toAnswer } from '../post/answer-posting.js';
import type { Door } from '../post/door.js';
import type { PostedView } from '../post/posting-bodies.js';
import { stand } from '../programmes/put-programme.js';
import type { StaffInstruction } from '../rules/instruction.js';
import type { Funding } from '../rules/lots.js';
import { rulesAt } from '../rules/programme.js';
import type { AdjustmentView } from './adjustment-bodies.js';

export interface AdjustmentOrder {
  readonly programme: ProgrammeId;
  readonly account: string;
  readonly direction: 'add' | 'take';
  readonly amount: number;
  readonly funding: Funding;
  readonly reason: string;
  readonly actor: string;
  readonly reference: string;
  readonly now: Instant;
}

/** Posts an adjustment that one person may make alone; one above the programme's limit waits for a second. */
export async function adjust(tx: Tx, door: Door, order: AdjustmentOrder): Promise<Answer<PostedView | AdjustmentView>> {
  const { programme, account, reference, actor, reason } = order;
  const { adjustmentAlone } = rulesAt(await stand(tx, programme), order.now).rules;
  if (adjustmentAlone === undefined || order.amount <= adjustmentAlone) {
    return toAnswer(reference, await postOne(door, { reference, programme, account, instruction: instructionOf(order), actor, reason }));
  }
  const adjustment = uuidv7();
  await tx.write(
    `insert into adjustment (tenant, programme, adjustment, account, direction, amount, funding, reason, asked_by, asked_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [tenantOf(programme), programme, adjustment, account, order.direction, order.amount, order.funding, reason, actor, order.now],
  );
  return answer(202, viewOf(await found(tx, programme, adjustment)));
}

/**
 * The second person's word, which posts. The posting has a transaction and a reference of its own: after a crash between the two the
 * approval is asked for again and finds what was posted.
 */
export async function approve(
  tx: Tx,
  door: Door,
  programme: ProgrammeId,
  adjustment: string,
  { actor, now }: { actor: string; now: Instant },
): Promise<Answer<AdjustmentView>> {
  const row = await found(tx, programme, adjustment, 'for update');
  if (row.askedBy === actor)
    throw problem(403, 'same-person', 'whoever asked for an adjustment cannot approve it', { askedBy: row.askedBy });
  if (row.approvedBy !== null) throw problem(409, 'already-approved', 'the adjustment has been approved', { approvedBy: row.approvedBy });
  const { outcome } = await postOne(door, {
    reference: `ledger:adjustment/${adjustment}`,
    programme,
    account: row.account,
    instruction: instructionOf({ ...row, amount: parsePoints(row.amount) }),
    actor: `${row.askedBy}+${actor}`,
    reason: row.reason,
  });
  await tx.write('update adjustment set approved_by = $3, approved_at = $4, outcome = $5 where programme = $1 and adjustment = $2', [
    programme,
    adjustment,
    actor,
    now,
    JSON.stringify(outcome),
  ]);
  return answer(outcome.status === 'posted' ? 201 : 200, viewOf(await found(tx, programme, adjustment)));
}

export async function readAdjustment(tx: Tx, programme: ProgrammeId, adjustment: string): Promise<AdjustmentView> {
  return viewOf(await found(tx, programme, adjustment));
}

export async function listAdjustments(tx: Tx, programme: ProgrammeId, onlyPending: boolean): Promise<AdjustmentView[]> {
  await stand(tx, programme);
  const rows = await tx.query<Row>(
    `${columns} where programme = $1 ${onlyPending ? 'and approved_at is null' : ''} order by adjustment desc limit ${adjustmentsListedMax}`,
    [programme],
  );
  return rows.map(viewOf);
}

interface Row {
  readonly adjustment: string;
  readonly account: string;
  readonly direction: 'add' | 'take';
  readonly amount: string;
  readonly funding: Funding;
  readonly reason: string;
  readonly askedBy: string;
  readonly askedAt: Date;
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly outcome: PostingOutcome | null;
}

async function found(tx: Tx, programme: ProgrammeId, adjustment: string, lock: 'for update' | '' = ''): Promise<Row> {
  const [row] = await tx.query<Row>(`${columns} where programme = $1 and adjustment = $2 ${lock}`, [programme, adjustment]);
  if (!row) throw problem(404, 'unknown-adjustment', 'the programme has no such adjustment');
  return row;
}

function viewOf({ account, amount, askedAt, approvedBy, approvedAt, outcome, ...rest }: Row): AdjustmentView {
  return {
    ...rest,
    holder: account.slice('holder:'.length),
    amount: parsePoints(amount),
    askedAt: askedAt.toISOString(),
    state: outcome === null ? 'pending-approval' : outcome.status,
    ...(approvedBy !== null && { approvedBy }),
    ...(approvedAt !== null && { approvedAt: approvedAt.toISOString() }),
    ...(outcome?.status === 'posted' && { posting: outcome.posting }),
    ...(outcome?.status === 'refused' && { code: outcome.code }),
  };
}

function instructionOf({ direction, amount, funding }: { direction: 'add' | 'take'; amount: number; funding: Funding }): StaffInstruction {
  return { kind: 'adjust', direction, amount: points(amount), funding };
}

const columns = `
  select adjustment, account, direction, amount::text, funding, reason, asked_by as "askedBy", asked_at as "askedAt",
    approved_by as "approvedBy", approved_at as "approvedAt", outcome
  from adjustment`;
/** A page for a person to work through; approving makes room. */
const adjustmentsListedMax = 200;
