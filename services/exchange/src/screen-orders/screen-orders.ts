import type { Tx } from '@points/database';
import { problem, type Problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { subjectOf, withOrder, type ScreenedOrder, type ScreeningRule, type ScreeningSubject, type Seen } from '../rules/screening.js';
import { activeRules } from './screening-rules.js';
import { stoppedSubjects, stopName } from './stops.js';

/** An order that may be screened, before its price is known. */
export interface OrderToScreen extends Omit<ScreenedOrder, 'municipalPoints'> {
  readonly programme: string;
}

/** What is known of a batch before its orders are: the rules of its programmes, and who is stopped. */
export interface Guards {
  readonly rules: ReadonlyMap<string, readonly ScreeningRule[]>;
  readonly stopped: ReadonlySet<string>;
}

/** Two reads in one round trip. */
export async function readGuards(tx: Tx, wanted: Parameters<typeof stoppedSubjects>[1]): Promise<Guards> {
  const [stopped, rules] = await Promise.all([
    stoppedSubjects(tx, wanted),
    activeRules(tx, [...new Set(wanted.map((one) => one.programme))]),
  ]);
  return { rules, stopped };
}

/**
 * What a batch of orders is screened by: the rules, what was seen before, and the stop switches. Nothing is locked: two replicas that
 * decide in the same moment do not see each other's orders.
 */
export class Screening {
  private constructor(
    private readonly rules: ReadonlyMap<string, readonly ScreeningRule[]>,
    private readonly seen: Map<string, Seen>,
    private readonly stopped: ReadonlySet<string>,
  ) {}

  /** One read for each kind of subject where rules are active. */
  static async load(tx: Tx, { rules, stopped }: Guards, orders: readonly OrderToScreen[], now: Instant): Promise<Screening> {
    const wanted = new Map<string, Wanted>();
    for (const order of orders)
      for (const rule of rules.get(order.programme) ?? []) {
        const subject = subjectOf(rule, { ...order, municipalPoints: 0 });
        if (subject === undefined) continue;
        const name = seenName(order.programme, rule, subject);
        wanted.set(name, {
          name,
          programme: order.programme,
          by: rule.by,
          subject,
          windowMinutes: rule.windowMinutes,
          partners: rule.partners,
        });
      }
    return new Screening(rules, await readSeen(tx, [...wanted.values()], now), stopped);
  }

  /** The stop switch, before anything else is said about the order. */
  stopOf({ programme, partner, holder }: OrderToScreen): Problem | undefined {
    if (this.stopped.has(stopName(programme, `partner:${partner}`)))
      return problem(422, 'partner-stopped', 'exchanges from this partner are stopped for now', { partner });
    if (this.stopped.has(stopName(programme, `holder:${holder}`)))
      return problem(422, 'holder-stopped', 'exchanges of this person are stopped for now; the municipality knows why');
    return undefined;
  }

  rulesOf(programme: string): readonly ScreeningRule[] {
    return this.rules.get(programme) ?? [];
  }

  seenOf(programme: string, rule: ScreeningRule, subject: string): Seen {
    return this.seen.get(seenName(programme, rule, subject)) ?? nothing;
  }

  /** The order goes on: the next one of the batch sees it. */
  add(programme: string, order: ScreenedOrder): void {
    const counted = new Set<string>();
    for (const rule of this.rulesOf(programme)) {
      const subject = subjectOf(rule, order);
      const name = subject === undefined ? undefined : seenName(programme, rule, subject);
      if (name === undefined || counted.has(name)) continue;
      counted.add(name);
      this.seen.set(name, withOrder(this.seen.get(name) ?? nothing, order));
    }
  }
}

interface Wanted {
  readonly name: string;
  readonly programme: string;
  readonly by: ScreeningSubject;
  readonly subject: string;
  readonly windowMinutes: number;
  readonly partners: readonly string[];
}

const nothing: Seen = { orders: 0, points: 0, holders: new Set() };

function seenName(programme: string, rule: ScreeningRule, subject: string): string {
  return `${programme} ${rule.by} ${rule.windowMinutes} ${rule.partners.join(',')} ${subject}`;
}

async function readSeen(tx: Tx, wanted: readonly Wanted[], now: Instant): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  const readBy = async (by: ScreeningSubject, ones: readonly Wanted[]) => {
    const rows = await tx.query<{ n: number; orders: number; points: string; holders: string[] | null }>(selectSeen[by], [
      ones.map((one) => one.programme),
      ones.map((one) => one.subject),
      ones.map((one) => one.windowMinutes),
      // An array of arrays must be even for PostgreSQL: they go as JSON.
      ones.map((one) => JSON.stringify(one.partners)),
      now,
      ones.map((one) => firstIdAt(now, one.windowMinutes)),
    ]);
    for (const row of rows) {
      const one = ones[row.n - 1];
      // The sum of what one subject exchanged within a week, read for a comparison only.
      if (one) seen.set(one.name, { orders: row.orders, points: Number(row.points), holders: new Set(row.holders) });
    }
  };
  await Promise.all(
    Array.from(
      Map.groupBy(wanted, (one) => one.by),
      ([by, ones]) => readBy(by, ones),
    ),
  );
  return seen;
}

/** The smallest version 7 id of the window's beginning: the orders of a partner are indexed by id, which is by time. */
function firstIdAt(now: Instant, windowMinutes: number): string {
  const ms = Date.parse(now) - (windowMinutes + idSlackMinutes) * 60_000;
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** An id is made when the call comes in, a little before its order is accepted; clocks of replicas differ. */
const idSlackMinutes = 5;

/** Distinct people per device are counted up to here: a limit above it has no sense. */
const holdersMax = 1_000;

const columns: Readonly<Record<ScreeningSubject, string>> = {
  holder: 'holder = w.subject::uuid',
  partner: 'partner = w.subject',
  address: 'origin_address = w.subject',
  device: 'origin_device = w.subject',
};

function statementFor(by: ScreeningSubject) {
  return {
    name: `screening_by_${by}`,
    text: `
      select w.n::int as n, s.orders, s.points, s.holders
      from unnest($1::text[], $2::text[], $3::integer[], $4::jsonb[], $6::uuid[]) with ordinality as w (programme, subject, minutes, partners, first_id, n)
      cross join lateral (
        select count(*)::int as orders, coalesce(sum(municipal_points), 0)::text as points,
               (array_agg(distinct holder::text))[:${holdersMax}] as holders
        from exchange_order
        where programme = w.programme and ${columns[by]} and not is_history and state <> 'refused'
          and id >= w.first_id and accepted_at > $5::timestamptz - make_interval(mins => w.minutes)
          and (w.partners = '[]' or w.partners ? partner)
      ) s`,
  };
}

const selectSeen = {
  holder: statementFor('holder'),
  partner: statementFor('partner'),
  address: statementFor('address'),
  device: statementFor('device'),
} satisfies Record<ScreeningSubject, unknown>;
