import { randomBytes } from 'node:crypto';
import { Database, migrate, provisionService, serviceUrls, tenants } from '@points/database';
import type { Instant, LocalDate } from '@points/kernel';
import { createLogger } from '@points/observability';
import pg from 'pg';
import { Door } from '../post/door.js';
import { insertProgramme } from '../programmes/programme-store.js';
import { migrations } from '../schema/migrations.js';
import { benchProgramme } from './fill-books.js';

export interface GrowthBooks {
  readonly database: Database;
  readonly door: Door;
  readonly admin: pg.Client;
  close(): Promise<void>;
}

/** Roles belong to the whole server, so its databases share them. */
const passwords = { password: randomBytes(16).toString('hex'), ownerPassword: randomBytes(16).toString('hex') };

/** An empty ledger of its own database on the server, with a programme, a door, and somebody who empties the outbox as a relay would. */
export async function growthBooks(serverUrl: string, name: string): Promise<GrowthBooks> {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  await server.query(`create database ${name}`);
  await server.end();
  const adminUrl = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).toString();
  const provisioned = { service: 'ledger', ...passwords };
  await provisionService(adminUrl, provisioned);
  const { url, ownerUrl } = serviceUrls(adminUrl, provisioned);
  await migrate({ url: ownerUrl, schema: 'ledger', appRole: 'ledger', migrations });
  const database = await Database.open({ url, schema: 'ledger', applicationName: name, log: createLogger('bench', 'warn'), poolMax: 8 });
  await database.transaction(tenants('141305'), (tx) =>
    insertProgramme(
      tx,
      { programme: benchProgramme, name, firstDay: '2015-01-01' as LocalDate, lastDay: null, historyOpen: true },
      {
        expiry: { kind: 'days-after-grant', days: 3650 },
        usableAt: [],
        refundOfExpired: { kind: 'restore-and-expire' },
        priority: 0,
        transferAllowed: false,
      },
    ),
  );
  const admin = new pg.Client({ connectionString: adminUrl, options: '-c search_path=ledger' });
  await admin.connect();
  const relay = new OutboxDrain(adminUrl);
  await relay.start();
  const door = new Door({ database, now: () => new Date().toISOString() as Instant });
  return {
    database,
    door,
    admin,
    close: async () => {
      await door.close();
      await relay.stop();
      await admin.end();
      await database.close();
    },
  };
}

class OutboxDrain {
  private readonly client: pg.Client;
  private running: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(url: string) {
    this.client = new pg.Client({ connectionString: url });
  }

  async start(): Promise<void> {
    await this.client.connect();
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await this.running;
    await this.client.end();
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      const { rowCount } = await this.client.query(
        'delete from ledger.outbox where id = any (array(select id from ledger.outbox order by id limit 1000))',
      );
      if (!rowCount) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Points of each lot: none runs dry in a run. */
const lotPoints = 1_000_000;
const partAccounts = 100_000;

const accountId = (n: string) => `'holder:00000000-0000-7000-8000-' || lpad(${n}::text, 12, '0')`;
const lotId = (n: string, k: string) => `('00000000-0000-7000-8' || lpad(${k}::text, 3, '0') || '-' || lpad(${n}::text, 12, '0'))::uuid`;

/** So many accounts with so many lots each; an account's lots lie together, its neighbours beside it. */
export async function fillAccounts({ admin }: GrowthBooks, accounts: number, lots: number): Promise<void> {
  for (let from = 0; from < accounts; from += partAccounts) {
    const to = Math.min(from + partAccounts, accounts) - 1;
    await admin.query(
      `insert into account (tenant, programme, account, balance, latest_at)
       select '141305', $1, ${accountId('n')}, $2::bigint * $3::bigint, now() from generate_series($4::int, $5::int) n`,
      [benchProgramme, lots, lotPoints, from, to],
    );
    await admin.query(lotsOf("lot.k * interval '100 days'", `interval '1 day'`), [benchProgramme, lotPoints, 1, lots, from, to]);
  }
  await admin.query('vacuum analyze account');
  await admin.query('vacuum analyze lot');
  await admin.query('checkpoint');
}

/** One more lot for each of the first accounts, which ended with the day before yesterday and has not expired yet. */
export async function addEndedLots({ admin }: GrowthBooks, accounts: number, number: number): Promise<void> {
  for (let from = 0; from < accounts; from += partAccounts) {
    const to = Math.min(from + partAccounts, accounts) - 1;
    await admin.query(lotsOf(`interval '-1 day'`, `interval '100 days'`), [benchProgramme, lotPoints, number, number, from, to]);
    await admin.query(
      `update account set balance = balance + $2::bigint where programme = $1 and account >= ${accountId('$3::int')} and account <= ${accountId('$4::int')}`,
      [benchProgramme, lotPoints, from, to],
    );
  }
  await admin.query('vacuum analyze account');
  await admin.query('vacuum analyze lot');
  await admin.query('checkpoint');
}

const lotsOf = (ends: string, age: string): string => `
  insert into lot (tenant, programme, account, lot, priority, granted_at, expires_at, usable_at, source, funding, rule_version, amount, remaining)
  select '141305', $1, ${accountId('n')}, ${lotId('n', 'lot.k')}, 0, now() - ${age},
    (date_trunc('day', now() at time zone 'Asia/Tokyo') + ${ends}) at time zone 'Asia/Tokyo', '{}', 'partner:a', 'paid', 1, $2::bigint, $2::bigint
  from generate_series($5::int, $6::int) n, generate_series($3::int, $4::int) as lot (k)`;
