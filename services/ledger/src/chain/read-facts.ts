import type { Statement } from '@points/database';
import type { QueryResultRow } from 'pg';
import { instantText, jsonOf } from '../move/columns-sql.js';
import type { Row } from '../move/lines.js';
import { grants, type ExtendedLot, type GrantedLot, type TransferFacts } from './leaf.js';

export interface TransferKey {
  readonly account: string;
  readonly effectiveAt: string;
  readonly transfer: string;
}

/** A transfer as it stands in the books, with its place in the chain where it has one. */
export interface StoredTransfer {
  readonly facts: TransferFacts;
  readonly seal: { readonly block: number; readonly leaf: number; readonly hash: string } | null;
}

/** Those of the transfers that are there, in the order asked for. A sealed one is read with its lots' ends as they were sealed. */
export async function readFacts(query: Query, programme: string, keys: readonly TransferKey[]): Promise<StoredTransfer[]> {
  const rows = await query<FactsRow>(readFactsStatement, [
    programme,
    keys.map((one) => one.account),
    keys.map((one) => one.effectiveAt),
    keys.map((one) => one.transfer),
  ]);
  return rows.map(({ transfer, draws, hold, extended, posting, seal }) => {
    const ends = [...(seal?.lotEnds ?? [])];
    const lots = (draws ?? []).map(({ lot, amount, granted, firstEnd }) => {
      const end =
        seal !== null && granted !== null && grants(transfer.kind, amount) ? (ends.shift() ?? null) : (firstEnd ?? granted?.expiresAt);
      return { lot, amount, granted: granted && { ...granted, expiresAt: end ?? null } };
    });
    return { facts: { ...transfer, programme, draws: lots, reserved: hold, extended, posting: posting && postedOf(posting) }, seal };
  });
}

/** Over a transaction of the service, or over a session of the chainer's own. */
export type Query = <T extends QueryResultRow>(statement: Statement, values: readonly unknown[]) => Promise<T[]>;

/** Only of a posting that was posted. */
export function postedOf(posting: Row<'posting'>): TransferFacts['posting'] {
  const { account, kind, fingerprint, amount, effectiveAt, balance, available, completedAt } = posting;
  // A constraint of the table: what was posted has all of them. Where somebody took the constraint away, the leaf does not match.
  return {
    account,
    kind,
    fingerprint,
    amount: amount ?? 0,
    effectiveAt: effectiveAt ?? '',
    balance: balance ?? 0,
    available: available ?? 0,
    completedAt,
  };
}

interface FactsRow {
  readonly transfer: Row<'transfer'>;
  readonly draws:
    | readonly {
        readonly lot: string;
        readonly amount: number;
        readonly granted: GrantedLot | null;
        /** Where staff have moved the lot's end meanwhile: the end before. */
        readonly firstEnd: string | null;
      }[]
    | null;
  readonly hold: Row<'hold'> | null;
  readonly extended: readonly ExtendedLot[] | null;
  readonly posting: Row<'posting'> | null;
  readonly seal: {
    readonly block: number;
    readonly leaf: number;
    readonly hash: string;
    readonly lotEnds: readonly (string | null)[] | null;
  } | null;
}

const grantedFields = ['priority', 'grantedAt', 'expiresAt', 'usableAt', 'source', 'funding', 'ruleVersion', 'amount'];

const extendedFields = ['lot', 'points', 'fromEnd', 'toEnd'];

/**
 * Every table by its key: the planner is told elsewhere not to read whole tables for it (seal.ts). `offset 0` keeps the transfers below
 * their keys. As a join they were read all, once for each key, by a plan that was made while the table was new and kept until the next
 * analyze (measured: 217 µs a transfer in the first block of 2,125, 1,289 µs in the fourth, and going on like that; 45 µs by key).
 */
const readFactsStatement = {
  name: 'read_facts',
  text: `
    select ${jsonOf('transfer', 't')} as transfer,
      (select json_agg(json_build_object('lot', d.lot, 'amount', d.amount, 'granted',
          case when d.amount > 0 and t.kind <> 'refund' then
            (select ${jsonOf('lot', 'l', grantedFields)} from lot l where l.programme = d.programme and l.account = d.account and l.lot = d.lot)
          end, 'firstEnd', case when d.amount > 0 and t.kind <> 'refund' then
            (select ${instantText('min(x.from_end)')} from extension x where x.programme = d.programme and x.account = d.account and x.lot = d.lot)
          end) order by d.seq)
       from draw d where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer) as draws,
      case when t.kind = 'hold' then
        (select ${jsonOf('hold', 'h')} from hold h where h.programme = t.programme and h.account = t.account and h.hold = t.hold)
      end as hold,
      case when t.kind = 'extend' then
        (select json_agg(${jsonOf('extension', 'x', extendedFields)} order by x.lot) from extension x
         where x.programme = t.programme and x.account = t.account and x.transfer = t.transfer)
      end as extended,
      (select ${jsonOf('posting', 'p')} from posting p where p.programme = t.programme and p.reference = t.reference and p.transfer = t.transfer) as posting,
      (select ${jsonOf('seal', 's', ['block', 'leaf', 'hash', 'lotEnds'])} from seal s
       where s.programme = t.programme and s.transfer = t.transfer) as seal
    from unnest($2::text[], $3::timestamptz[], $4::uuid[]) with ordinality as k (account, effective_at, transfer, n)
    cross join lateral (
      select programme, account, transfer, kind, counter, amount, effective_at, recorded_at, hold, of, reference, actor, reason
      from transfer
      where programme = $1 and account = k.account and effective_at = k.effective_at and transfer = k.transfer
      offset 0
    ) as t
    order by k.n`,
};
