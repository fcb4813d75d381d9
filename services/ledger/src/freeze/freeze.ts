import type { Tx } from '@points/database';
import { parsePoints, tenantOf, uuidv7, type Instant, type ProgrammeId } from '@points/kernel';
import { lockProgramme } from '../programmes/programme-store.js';
import { stand } from '../programmes/put-programme.js';
import { freezeChangesMax, type FreezeChangeView, type FreezeView, type PutFreeze, type StandingView } from './freeze-bodies.js';

export interface FreezeOrder extends PutFreeze {
  readonly actor: string;
  readonly now: Instant;
}

/**
 * Under the account's lock: a posting that is decided before ends before, and every later one sees the freeze. An account that does
 * not exist yet is made, so that somebody can be stopped before the first points arrive.
 */
export async function freezeAccount(tx: Tx, programme: ProgrammeId, account: string, order: FreezeOrder): Promise<StandingView> {
  await stand(tx, programme);
  await tx.write('insert into account (tenant, programme, account, latest_at) values ($1, $2, $3, $4) on conflict do nothing', [
    tenantOf(programme),
    programme,
    account,
    order.now,
  ]);
  const [row] = await tx.query<{ frozen: boolean }>('select frozen from account where programme = $1 and account = $2 for no key update', [
    programme,
    account,
  ]);
  if (row?.frozen !== order.frozen) {
    await tx.write('update account set frozen = $3 where programme = $1 and account = $2', [programme, account, order.frozen]);
    await note(tx, programme, account, order);
  }
  return standing(tx, programme, account);
}

/** Postings that were being decided meanwhile may still be carried out; every later one sees the freeze. */
export async function freezeProgramme(tx: Tx, programme: ProgrammeId, order: FreezeOrder): Promise<FreezeView> {
  await lockProgramme(tx, programme);
  const { frozen } = await stand(tx, programme);
  if (frozen !== order.frozen) {
    await tx.write('update programme set frozen = $2 where programme = $1', [programme, order.frozen]);
    await note(tx, programme, null, order);
  }
  return programmeFreeze(tx, programme);
}

export async function standing(tx: Tx, programme: ProgrammeId, account: string): Promise<StandingView> {
  await stand(tx, programme);
  const [row] = await tx.query<{ frozen: boolean; debt: string }>(
    'select frozen, debt::text from account where programme = $1 and account = $2',
    [programme, account],
  );
  return { frozen: row?.frozen ?? false, debt: parsePoints(row?.debt ?? '0'), changes: await changesOf(tx, programme, account) };
}

export async function programmeFreeze(tx: Tx, programme: ProgrammeId): Promise<FreezeView> {
  const { frozen } = await stand(tx, programme);
  return { frozen, changes: await changesOf(tx, programme, null) };
}

async function note(tx: Tx, programme: ProgrammeId, account: string | null, { frozen, reason, actor, now }: FreezeOrder): Promise<void> {
  await tx.write(
    'insert into freeze_change (tenant, programme, change, account, frozen, reason, actor, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)',
    [tenantOf(programme), programme, uuidv7(), account, frozen, reason, actor, now],
  );
}

async function changesOf(tx: Tx, programme: ProgrammeId, account: string | null): Promise<FreezeChangeView[]> {
  const rows = await tx.query<Omit<FreezeChangeView, 'changedAt'> & { changedAt: Date }>(
    `select frozen, reason, actor, changed_at as "changedAt" from freeze_change
     where programme = $1 and account is not distinct from $2 order by change desc limit ${freezeChangesMax}`,
    [programme, account],
  );
  return rows.map((row) => ({ ...row, changedAt: row.changedAt.toISOString() }));
}
