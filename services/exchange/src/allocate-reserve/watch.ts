import { everyTenant, type Database } from '@points/database';
import { Gauge, type Registry } from 'prom-client';

/** What an operator has to see: parts that are not over, and points that a base programme refuses. */
export function watchOpenParts(database: Database, registry: Registry): void {
  gauge('points_exchange_reserve_parts_open', 'parts of reserve allocations that are not over, by state', countParts);
  gauge(
    'points_exchange_reserve_refused',
    'arrivals in the reserve that their base programme refuses; waits-for-operator: the tries are used up',
    countRefused,
  );

  function gauge(name: string, help: string, sql: string): void {
    const counts: Gauge = new Gauge({
      name,
      help,
      labelNames: ['state'],
      registers: [registry],
      collect: async () => {
        const rows = await database.transaction(everyTenant, (tx) => tx.query<{ state: string; count: number }>(sql));
        counts.reset();
        for (const { state, count } of rows) counts.set({ state }, count);
      },
    });
  }
}

const countParts = `
  select state, count(*)::int as count from reserve_part where state not in ('completed', 'refused') group by 1`;
const countRefused = `
  select case when automatic_at is null then 'waits-for-operator' else 'tried-again' end as state, count(*)::int as count
  from reserve_arrival where refused_at is not null and remaining > 0 group by 1`;
