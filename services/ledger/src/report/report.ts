import type { Tx } from '@points/database';
import { parsePoints, points, tenantOf, type Instant, type Points } from '@points/kernel';
import type { StoredProgramme } from '../programmes/programme-store.js';
import { rulesAt } from '../rules/programme.js';

export interface Total {
  readonly count: number;
  readonly persons: number;
  readonly points: Points;
}

/** The names are those of the reports that municipalities publish (川崎市 実施結果報告書). */
export interface Report {
  readonly municipality_code: string;
  readonly program: string;
  readonly period: readonly [first: string, last: string | null];
  readonly validity_days?: number;
  readonly issued: Total;
  readonly converted: Total;
  readonly spent: Total;
  readonly donated: Total;
  readonly refunded: Total;
  /** `count` is lots: those that ended with something left. */
  readonly expired: Total;
  readonly outstanding: { readonly points: Points };
}

/**
 * The books as they stood when the instant came: what took effect before it, and the lots whose time was over with it. A lot that
 * is over counts as expired whether its expiry has been posted or not, so the report does not depend on when the job ran; and
 * issued + refunded always equals converted + spent + donated + expired + outstanding, but for points that fell to the municipality.
 */
export async function reportAt(tx: Tx, programme: StoredProgramme, at: Instant): Promise<Report> {
  const [moved, [expired], [outstanding]] = [
    await tx.query<TotalRow & { kind: string }>(totals, [programme.programme, at]),
    await tx.query<TotalRow>(expiredLots, [programme.programme, at]),
    await tx.query<{ points: string }>(outstandingPoints, [programme.programme, at]),
  ];
  const total = (kind: string) => toTotal(moved.find((row) => row.kind === kind));
  const { expiry } = rulesAt(programme, at).rules;
  return {
    municipality_code: tenantOf(programme.programme),
    program: programme.name,
    period: [programme.firstDay, programme.lastDay],
    ...(expiry.kind === 'days-after-grant' && { validity_days: expiry.days }),
    issued: total('issue'),
    converted: total('convert'),
    spent: total('spend'),
    donated: total('donate'),
    refunded: total('refund'),
    expired: toTotal(expired),
    outstanding: { points: parsePoints(outstanding?.points ?? '0') },
  };
}

interface TotalRow {
  readonly count: string;
  readonly persons: string;
  readonly points: string;
}

function toTotal(row: TotalRow | undefined): Total {
  if (!row) return { count: 0, persons: 0, points: points(0) };
  return { count: parsePoints(row.count), persons: parsePoints(row.persons), points: parsePoints(row.points) };
}

const totals = {
  name: 'report_totals',
  text: `
    select kind, count(*) as count, count(distinct account) as persons, sum(amount) as points
    from transfer where programme = $1 and effective_at < $2::timestamptz and kind in ('issue', 'convert', 'spend', 'donate', 'refund')
    group by kind`,
};

/**
 * The expiry of a lot that ends at the instant itself belongs to the state of that instant: the lot's last moment was before it. One
 * that follows a refund or a release belongs where that belongs.
 */
const lapsed = `
    select t.account, d.lot, -d.amount as points
    from transfer t join draw d on d.programme = t.programme and d.account = t.account and d.transfer = t.transfer
    where t.programme = $1 and t.kind = 'expire' and (t.effective_at < $2::timestamptz or (t.effective_at = $2::timestamptz and t.of is null))
    union all
    select account, lot, remaining - held
    from lot where programme = $1 and open and expires_at <= $2::timestamptz and remaining > held`;

const expiredLots = {
  name: 'report_expired',
  text: `select count(distinct lot) as count, count(distinct account) as persons, coalesce(sum(points), 0) as points from (${lapsed}) as lapsed`,
};

const outstandingPoints = {
  name: 'report_outstanding',
  text: `
    select (
      coalesce((select sum(e.amount) from entry e where e.programme = $1 and e.account >= 'holder:' and e.account < 'holder;' and e.effective_at < $2::timestamptz), 0)
      - coalesce((select sum(t.amount) from transfer t where t.programme = $1 and t.kind = 'expire' and t.of is null and t.effective_at = $2::timestamptz), 0)
      - coalesce((select sum(remaining - held) from lot where programme = $1 and open and expires_at <= $2::timestamptz and remaining > held), 0)
    ) as points`,
};
