import { createHash, randomBytes } from 'node:crypto';
import { Database, migrate, provisionService, serviceUrls, type DatabaseOptions, type Migration } from '@points/database';
import pg from 'pg';
import { quietLogger, testAdminUrl } from './infrastructure.js';

export interface FreshDatabase {
  /** Opened as the service's own role, the one that is bound by row-level security. */
  readonly database: Database;
  readonly url: string;
  readonly ownerUrl: string;
  /** Superuser on this database. */
  readonly adminUrl: string;
  close(): Promise<void>;
}

/**
 * A migrated database that belongs to the caller alone, made as the cloud makes it: roles `<service>` and `<service>_owner`,
 * schema `<service>`. The migrations run once per run; every further call copies the result (about 60 ms instead of 300 ms).
 */
export async function freshDatabase(
  service: string,
  migrations: readonly Migration[],
  options: Partial<Pick<DatabaseOptions, 'entities' | 'poolMax' | 'log'>> = {},
): Promise<FreshDatabase> {
  const name = `points_${service}_${randomBytes(5).toString('hex')}`;
  const urls = await withClient(testAdminUrl(), async (admin) => {
    const template = await templateDatabase(admin, service, migrations);
    await admin.query(`create database ${name} template ${template}`);
    return provision(admin, name, service);
  });
  const database = await Database.open({
    schema: service,
    applicationName: `test-${service}`,
    log: quietLogger(service),
    poolMax: 5,
    ...options,
    url: urls.url,
  });
  return {
    database,
    ...urls,
    close: async () => {
      await database.close();
      await withClient(testAdminUrl(), (admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** A provisioned database without tables, for tests of what works on any schema. */
export function emptyDatabase(service: string): Promise<FreshDatabase> {
  return freshDatabase(service, []);
}

interface Urls {
  readonly url: string;
  readonly ownerUrl: string;
  readonly adminUrl: string;
}

/** Holds a lock until the copy is possible: PostgreSQL copies a database only while nobody is connected to it. */
async function templateDatabase(admin: pg.Client, service: string, migrations: readonly Migration[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 12);
  const template = `template_${service}_${hash}`;
  await admin.query(`select pg_advisory_lock(hashtext($1))`, [template]);
  try {
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [template]);
    if (rowCount) return template;
    const making = `making_${template}`;
    await admin.query(`drop database if exists ${making} with (force)`);
    await admin.query(`create database ${making}`);
    const { ownerUrl } = await provision(admin, making, service);
    await migrate({ url: ownerUrl, schema: service, appRole: service, migrations });
    // The session of the migration may take a moment to leave the server after its socket is closed.
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [making]);
    await admin.query(`alter database ${making} rename to ${template}`);
    return template;
  } finally {
    await admin.query(`select pg_advisory_unlock(hashtext($1))`, [template]);
  }
}

/**
 * Roles belong to the whole server and two workers must not alter one at the same time ("tuple concurrently updated"). Grants on
 * a database are not copied from a template, so a copy is provisioned too.
 */
async function provision(admin: pg.Client, database: string, service: string): Promise<Urls> {
  const adminUrl = onDatabase(database);
  const provisioned = { service, password: passwordOf(service), ownerPassword: passwordOf(`${service}_owner`) };
  await admin.query(`select pg_advisory_lock(hashtext('points-roles'))`);
  try {
    await provisionService(adminUrl, provisioned);
  } finally {
    await admin.query(`select pg_advisory_unlock(hashtext('points-roles'))`);
  }
  return { adminUrl, ...serviceUrls(adminUrl, provisioned) };
}

/** The same in every worker of a run, and of no other run. */
function passwordOf(role: string): string {
  return createHash('sha256').update(`${testAdminUrl()} ${role}`).digest('base64url');
}

function onDatabase(name: string): string {
  const url = new URL(testAdminUrl());
  url.pathname = `/${name}`;
  return url.toString();
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
