import { Database } from '@points/database';
import { waitUntil } from '@points/infrastructure';
import { createLogger } from '@points/observability';
import { ask, registerHolders, tokenOf } from './call-cloud.js';
import { startThrowawayCloud, type ThrowawayCloud } from './throwaway-cloud.js';

export const municipality = '141305';
export const programme = `${municipality}-bench`;
export const partner = 'bench-card';
export const base = `/v1/municipalities/${municipality}/programmes/${programme}`;
const scopes = ['programmes:write', 'holders:write', 'partners:write', 'exchange:write', 'exchange:read', 'exchange:on-behalf'];
const holdersCount = 10_000;
const heardMsMax = 60_000;

export type ExchangeCloud = ThrowawayCloud<'identity' | 'ledger' | 'exchange'>;

export interface ExchangeSetting {
  readonly token: string;
  readonly myKeyIds: readonly string[];
  /** As a superuser of the database: what nobody but a measurement may. */
  readonly database: Database;
}

export function startExchangeCloud(options: { readonly say: (line: string) => void; readonly profile?: string }): Promise<ExchangeCloud> {
  return startThrowawayCloud({ services: ['identity', 'ledger', 'exchange'], municipality, scopes, ...options });
}

/** A programme, a partner without caps, and holders that the exchange knows. */
export async function prepareExchange(cloud: ExchangeCloud): Promise<ExchangeSetting> {
  const { identity, ledger, exchange } = cloud.urls;
  const token = await tokenOf(cloud);
  await ask('PUT', `${ledger}${base}`, token, {
    name: 'Bench',
    firstDay: '2020-04-01',
    rules: { expiry: { kind: 'days-after-grant', days: 365 }, usableAt: [] },
  });
  await ask('PUT', `${exchange}${base}/partners/${partner}`, token, {
    name: 'Bench Card',
    rate: { numerator: 1, denominator: 1 },
    lotPartnerPoints: 1,
    clients: ['bench'],
  });
  const holders = await registerHolders(identity, { municipality, token, count: holdersCount });
  const database = await Database.open({
    url: cloud.adminUrl,
    schema: 'public',
    applicationName: 'bench',
    log: createLogger('bench', 'silent'),
    poolMax: 1,
  });
  const isHeard = await waitUntil(async () => (await count(database, 'select count(*) as n from exchange.holder_link')) >= holdersCount, {
    deadlineMs: heardMsMax,
    everyMs: 200,
  });
  if (!isHeard) throw new Error(`the exchange has not heard of all holders within ${heardMsMax} ms`);
  return { token, myKeyIds: holders.map((one) => one.myKeyId), database };
}

export async function count(database: Database, sql: string): Promise<number> {
  return Number((await database.pool.query<{ n: string | null }>(sql)).rows[0]?.n ?? 0);
}

const quietMsMax = 60_000;

/** Every order that was placed must be completed, and be one lot with its points in the ledger. */
export async function faultsOfBooks(database: Database, placed: number): Promise<string[]> {
  const waiting = () => count(database, 'select (select count(*) from exchange.outbox) + (select count(*) from ledger.outbox) as n');
  await waitUntil(async () => (await waiting()) === 0, { deadlineMs: quietMsMax, everyMs: 200 });
  const own = `posting <> '00000000-0000-0000-0000-000000000000'`;
  const facts = {
    completed: await count(database, `select count(*) as n from exchange.exchange_order where state = 'completed' and ${own}`),
    open: await count(database, `select count(*) as n from exchange.exchange_order where state <> 'completed'`),
    lots: await count(database, 'select count(*) as n from ledger.lot'),
    sumOfEntries: await count(database, 'select sum(amount) as n from ledger.entry'),
    waiting: await waiting(),
    parked: await count(database, 'select (select count(*) from exchange.dead_letter) + (select count(*) from ledger.dead_letter) as n'),
  };
  return [
    ...(facts.completed === placed ? [] : [`${placed} orders were placed and ${facts.completed} are completed`]),
    ...(facts.open === 0 ? [] : [`${facts.open} orders are not completed`]),
    ...(facts.lots === placed ? [] : [`${placed} orders were placed and the ledger has ${facts.lots} lots`]),
    ...(facts.sumOfEntries === 0 ? [] : [`the entries sum to ${facts.sumOfEntries}`]),
    ...(facts.waiting === 0 ? [] : [`${facts.waiting} events are still in an outbox`]),
    ...(facts.parked === 0 ? [] : [`${facts.parked} messages are parked`]),
  ];
}

/** Completed orders of the past, as far as the exchange keeps them; their posting is that of no order. */
export async function fillPastOrders(database: Database, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  for (let first = from; first < to; first += fillRows)
    await database.pool.query(
      `insert into exchange.exchange_order (id, tenant, programme, partner, order_id, reference, my_key_id, holder, partner_points, municipal_points,
         terms_version, accepted_at, client, state, posting, booked_at)
       select gen_random_uuid(), $1, $2, $3, 'PAST-' || n, 'exchange:order:' || $2 || ':' || $3 || ':PAST-' || n, h.my_key_id, h.holder, 1, 1, 1,
         now() - interval '1 year', 'bench', 'completed', '00000000-0000-0000-0000-000000000000', now() - interval '1 year'
       from generate_series($4::int, $5::int) n
       join (select my_key_id, holder, row_number() over () - 1 as k from exchange.holder_link) h on h.k = n % ${holdersCount}`,
      [municipality, programme, partner, first + 1, Math.min(to, first + fillRows)],
    );
  await database.pool.query(
    `insert into exchange.order_booking (id, tenant, programme, partner, booked_at)
     select id, tenant, programme, partner, booked_at from exchange.exchange_order where order_id like 'PAST-%' on conflict do nothing`,
  );
  await database.pool.query('vacuum analyze exchange.exchange_order, exchange.order_booking');
}

const fillRows = 100_000;
