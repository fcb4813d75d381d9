import { randomBytes } from 'node:crypto';
import { Database, migrate, provisionService, serviceUrls, tenants } from '@points/database';
import { programmeId, type Instant, type LocalDate } from '@points/kernel';
import { createLogger } from '@points/observability';
import pg from 'pg';
import { Door } from '../post/door.js';
import { insertProgramme } from '../programmes/programme-store.js';
import { migrations } from '../schema/migrations.js';

export const benchProgramme = programmeId('141305-bench');
/** Each holder has three lots of this many points, so that a lot is used up now and then and none runs dry. */
const lotPoints = 1_000_000;

export interface Books {
  readonly holders: number;
  readonly door: Door;
  readonly admin: pg.Client;
  readonly adminUrl: string;
  /** As the service's own role. */
  readonly url: string;
  close(): Promise<void>;
}

export function holderAccount(n: number): string {
  return `holder:00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

/** A ledger with `holders` accounts of three lots each, and a door on it. */
export async function fillBooks(adminUrl: string, holders: number): Promise<Books> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const provisioned = { service: 'ledger', password: randomBytes(16).toString('hex'), ownerPassword: randomBytes(16).toString('hex') };
  await provisionService(adminUrl, provisioned);
  const { url, ownerUrl } = serviceUrls(adminUrl, provisioned);
  await migrate({ url: ownerUrl, schema: 'ledger', appRole: 'ledger', migrations });
  const database = await Database.open({ url, schema: 'ledger', applicationName: 'bench', log: createLogger('bench', 'warn'), poolMax: 4 });
  const programme = { programme: benchProgramme, name: 'bench', firstDay: '2020-01-01' as LocalDate, lastDay: null, historyOpen: false };
  await database.transaction(tenants('141305'), (tx) =>
    insertProgramme(tx, programme, {
      expiry: { kind: 'days-after-grant', days: 3650 },
      usableAt: [],
      refundOfExpired: { kind: 'restore-and-expire' },
      priority: 0,
      transferAllowed: false,
    }),
  );
  await admin.query('set search_path = ledger');
  const id = `'holder:00000000-0000-7000-8000-' || lpad(n::text, 12, '0')`;
  await admin.query(
    `insert into account (tenant, programme, account, balance, latest_at) select '141305', $1, ${id}, 3 * $2::bigint, date_trunc('milliseconds', now()) from generate_series(0, $3::int - 1) n`,
    [benchProgramme, lotPoints, holders],
  );
  await admin.query(
    `insert into lot (tenant, programme, account, lot, priority, granted_at, expires_at, usable_at, source, funding, rule_version, amount, remaining)
     select '141305', $1, ${id}, ('00000000-0000-7000-800' || k || '-' || lpad(n::text, 12, '0'))::uuid, 0, date_trunc('milliseconds', now()) - interval '1 day',
       date_trunc('day', now()) + k * interval '100 days', '{}', 'partner:a', 'paid', 1, $2::bigint, $2::bigint
     from generate_series(0, $3::int - 1) n, generate_series(1, 3) k`,
    [benchProgramme, lotPoints, holders],
  );
  await admin.query('vacuum analyze account');
  await admin.query('vacuum analyze lot');
  await admin.query('checkpoint');

  const door = new Door({ database, now: () => new Date().toISOString() as Instant });
  return {
    holders,
    door,
    admin,
    adminUrl,
    url,
    close: async () => {
      await door.close();
      await admin.end();
      await database.close();
    },
  };
}
