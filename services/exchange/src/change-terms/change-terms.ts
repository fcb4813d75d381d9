import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parseInstant, uuidv7, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { checkTerms, insertTerms, termsParameters } from '../set-up-partners/terms.js';
import type { TermsShape } from '../set-up-partners/terms-shapes.js';
import { changesListedMax, type ChangeState, type ChangeView, type ProposeChange } from './change-shapes.js';

interface Actor {
  readonly client: string;
  readonly now: Instant;
}

/** Writes a change down; it holds for nobody until a second person approves. @throws Problem */
export async function proposeChange(tx: Tx, key: PartnerKey, asked: ProposeChange, { client, now }: Actor): Promise<ChangeView> {
  checkTerms(asked.terms);
  const holdsFrom = asked.holdsFrom === undefined ? null : parseInstant(asked.holdsFrom);
  if (holdsFrom !== null && holdsFrom <= now) throw tooLate(holdsFrom);
  await lockPartner(tx, key);
  const id = uuidv7();
  await tx.write(
    `insert into partner_change (id, tenant, programme, partner, terms, holds_from, reason, proposed_by, proposed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [id, key.municipality, key.programme, key.partner, JSON.stringify(asked.terms), holdsFrom, asked.reason, client, now],
  );
  return readChange(tx, key, id);
}

/** The second person's word makes the change a version of the terms. @throws Problem */
export async function approveChange(tx: Tx, key: PartnerKey, id: string, { client, now }: Actor): Promise<ChangeView> {
  await lockPartner(tx, key);
  const row = await waiting(tx, key, id);
  if (row.proposed_by === client)
    throw problem(403, 'same-person', 'whoever proposed a change cannot approve it', { proposedBy: row.proposed_by });
  if (row.holds_from && instantOf(row.holds_from) <= now) throw tooLate(instantOf(row.holds_from));
  const [last] = await tx.query<{ version: number }>(
    'select max(version) as version from partner_terms where programme = $1 and partner = $2',
    [key.programme, key.partner],
  );
  if (!last) throw new Error('assertion failed: a partner always has terms');
  const version = last.version + 1;
  const holdsFrom = row.holds_from ? instantOf(row.holds_from) : now;
  await tx.write(insertTerms, termsParameters(key, { version, holdsFrom, madeBy: row.proposed_by, approvedBy: client }, row.terms));
  await decide(tx, id, 'approved', { client, now }, version);
  return readChange(tx, key, id);
}

/** Anybody who may propose may take a waiting change back, his own too. @throws Problem */
export async function withdrawChange(tx: Tx, key: PartnerKey, id: string, actor: Actor): Promise<ChangeView> {
  await lockPartner(tx, key);
  await waiting(tx, key, id);
  await decide(tx, id, 'withdrawn', actor, null);
  return readChange(tx, key, id);
}

export async function readChange(tx: Tx, key: PartnerKey, id: string): Promise<ChangeView> {
  const [row] = await tx.query<ChangeRow>(`${selectChanges} and id = $3`, [key.programme, key.partner, id]);
  if (!row) throw unknownChange();
  return viewOf(row);
}

export async function listChanges(tx: Tx, key: PartnerKey): Promise<ChangeView[]> {
  const rows = await tx.query<ChangeRow>(`${selectChanges} order by id desc limit ${changesListedMax}`, [key.programme, key.partner]);
  return rows.map(viewOf);
}

/** Locked, so that two approvals get two versions. */
async function lockPartner(tx: Tx, { programme, partner }: PartnerKey): Promise<void> {
  const [row] = await tx.query('select 1 from partner where programme = $1 and partner = $2 for update', [programme, partner]);
  if (!row) throw problem(404, 'unknown-partner', 'the programme has no such partner');
}

async function waiting(tx: Tx, key: PartnerKey, id: string): Promise<ChangeRow> {
  const [row] = await tx.query<ChangeRow>(`${selectChanges} and id = $3 for update`, [key.programme, key.partner, id]);
  if (!row) throw unknownChange();
  if (row.state !== 'waiting')
    throw problem(409, 'already-decided', `the change is ${row.state}`, { state: row.state, decidedBy: row.decided_by });
  return row;
}

async function decide(tx: Tx, id: string, state: ChangeState, { client, now }: Actor, version: number | null): Promise<void> {
  await tx.write('update partner_change set state = $2, decided_by = $3, decided_at = $4, version = $5 where id = $1', [
    ...[id, state, client, now, version],
  ]);
}

interface ChangeRow {
  readonly id: string;
  readonly partner: string;
  readonly terms: TermsShape;
  readonly holds_from: Date | null;
  readonly reason: string;
  readonly state: ChangeState;
  readonly proposed_by: string;
  readonly proposed_at: Date;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly version: number | null;
}

const selectChanges = `
  select id, partner, terms, holds_from, reason, state, proposed_by, proposed_at, decided_by, decided_at, version
  from partner_change where programme = $1 and partner = $2`;

function viewOf(row: ChangeRow): ChangeView {
  return {
    change: row.id,
    partner: row.partner,
    terms: row.terms,
    ...(row.holds_from && { holdsFrom: instantOf(row.holds_from) }),
    reason: row.reason,
    state: row.state,
    proposedBy: row.proposed_by,
    proposedAt: instantOf(row.proposed_at),
    ...(row.decided_by !== null && { decidedBy: row.decided_by }),
    ...(row.decided_at && { decidedAt: instantOf(row.decided_at) }),
    ...(row.version !== null && { version: row.version }),
  };
}

function tooLate(holdsFrom: Instant) {
  return problem(422, 'change-too-late', 'terms cannot begin in the past: orders were placed under the others', { holdsFrom });
}

function unknownChange() {
  return problem(404, 'unknown-change', 'the partner has no such change');
}
