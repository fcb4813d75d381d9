import type { Tx } from '@points/database';
import type { Count, Counter } from '../rules/caps.js';

/** Counters that one transaction holds locked, with what it has counted so far. */
export class Tally {
  private readonly used = new Map<string, number>();
  private readonly added = new Map<string, Owned & Count>();

  constructor(rows: readonly (Owned & Counter & { readonly used: number })[]) {
    for (const row of rows) this.used.set(nameOf(row.programme, row), row.used);
  }

  /** @throws Error for a counter that was not locked: a decision about it could be wrong by the time it is written */
  of(programme: string, counter: Counter): number {
    const used = this.used.get(nameOf(programme, counter));
    if (used === undefined) throw new Error(`assertion failed: the counter ${counter.key} was not locked`);
    return used;
  }

  add(owner: Owned, counts: readonly Count[]): void {
    for (const count of counts) {
      const name = nameOf(owner.programme, count);
      this.used.set(name, this.of(owner.programme, count) + count.amount);
      this.added.set(name, { ...owner, ...count, amount: count.amount + (this.added.get(name)?.amount ?? 0) });
    }
  }

  get changes(): readonly (Owned & Count)[] {
    return [...this.added.values()];
  }
}

export interface Owned {
  readonly municipality: string;
  readonly programme: string;
}

/** Makes and locks the counters, in one order, so that two transactions queue up instead of deadlocking. */
export async function lockCounters(tx: Tx, wanted: readonly (Owned & Counter)[]): Promise<Tally> {
  if (wanted.length === 0) return new Tally([]);
  const all = [...new Map(wanted.map((one) => [nameOf(one.programme, one), one])).values()];
  const rows = await tx.query<{ programme: string; key: string; period: string; used: string }>(lock, [
    all.map((one) => one.municipality),
    all.map((one) => one.programme),
    all.map((one) => one.key),
    all.map((one) => one.period),
  ]);
  const used = new Map(rows.map((row) => [nameOf(row.programme, row), Number(row.used)]));
  return new Tally(all.map((one) => ({ ...one, used: used.get(nameOf(one.programme, one)) ?? 0 })));
}

/** Counters as they stand, and what the caller adds to them, for a decision that writes nothing. */
export async function readTally(
  tx: Tx,
  programme: string,
  wanted: readonly Counter[],
  added: (counter: Counter) => number = () => 0,
): Promise<Tally> {
  if (wanted.length === 0) return new Tally([]);
  const rows = await tx.query<Counter & { used: string }>(
    `select c.key, c.period, c.used from unnest($2::text[], $3::text[]) as w (key, period)
     join exchange_counter c on c.programme = $1 and c.key = w.key and c.period = w.period`,
    [programme, wanted.map((one) => one.key), wanted.map((one) => one.period)],
  );
  const used = new Map(rows.map((row) => [nameOf(programme, row), Number(row.used)]));
  return new Tally(
    wanted.map((one) => ({ municipality: '', programme, ...one, used: (used.get(nameOf(programme, one)) ?? 0) + added(one) })),
  );
}

/** Adds to counters; a negative amount gives back. */
export async function writeCounts(tx: Tx, counts: readonly (Pick<Owned, 'programme'> & Count)[]): Promise<void> {
  if (counts.length === 0) return;
  await tx.write(add, [
    counts.map((one) => one.programme),
    counts.map((one) => one.key),
    counts.map((one) => one.period),
    counts.map((one) => one.amount),
  ]);
}

function nameOf(programme: string, { key, period }: Counter): string {
  return `${programme} ${period} ${key}`;
}

/** The update that changes nothing takes the row's lock and shows what the one before has committed. */
const lock = {
  name: 'lock_counters',
  text: `
    insert into exchange_counter as c (tenant, programme, key, period, used)
    select tenant, programme, key, period, 0
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w (tenant, programme, key, period)
    order by programme, key, period
    on conflict on constraint exchange_counter_pk do update set used = c.used
    returning programme, key, period, used`,
};

const add = {
  name: 'add_counts',
  text: `
    with wanted as (
      select programme, key, period, sum(amount)::bigint as amount
      from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as w (programme, key, period, amount)
      group by 1, 2, 3
    ), locked as (
      select c.ctid, w.amount from exchange_counter c join wanted w using (programme, key, period)
      order by c.programme, c.key, c.period for update of c
    )
    update exchange_counter c set used = c.used + l.amount from locked l where c.ctid = l.ctid`,
};
