import { Database, provisionService, serviceUrls } from '@points/database';
import { createLogger } from '@points/observability';
import type { ExternalDatabase } from './settings.js';
import type { Secrets } from './secrets.js';

const databaseName = 'points';

/** Makes the database, the roles and the schemas of the services in the cloud's own PostgreSQL; what is there stays. Answers the URLs by service. */
export async function prepareOwnDatabase(
  adminUrl: string,
  services: readonly string[],
  passwords: Secrets['passwords'],
): Promise<Map<string, ExternalDatabase>> {
  const existing = await ask(adminUrl, 'select 1 from pg_database where datname = $1', [databaseName]);
  if (existing === 0) await ask(adminUrl, `create database ${databaseName}`);
  const url = new URL(adminUrl);
  url.pathname = `/${databaseName}`;
  const urls = new Map<string, ExternalDatabase>();
  // One after the other: roles are rows that all of them change.
  for (const service of services) {
    const { password = '', ownerPassword = '' } = passwords.get(service) ?? {};
    const provisioned = { service, password, ownerPassword };
    await provisionService(url.toString(), provisioned);
    const made = serviceUrls(url.toString(), provisioned);
    urls.set(service, { url: made.url, migrationUrl: made.ownerUrl });
  }
  return urls;
}

/** @throws Error with one sentence when the database does not answer, or has no schema of the service and the role may not make it */
export async function checkExternalDatabase(service: string, { url, migrationUrl }: ExternalDatabase): Promise<void> {
  const key = service.toUpperCase();
  for (const [name, one] of [
    [`${key}_DATABASE_URL`, url],
    [`${key}_MIGRATION_DATABASE_URL`, migrationUrl],
  ] as const)
    await ask(one, 'select 1').catch((error: unknown) => {
      throw new Error(
        `The database of ${service} does not answer (${reasonOf(error)}): check ${name}, or leave it out to use the cloud's own PostgreSQL.`,
      );
    });
  if ((await ask(migrationUrl, 'select 1 from pg_namespace where nspname = $1', [service])) === 0)
    await ask(migrationUrl, `create schema ${service}`).catch((error: unknown) => {
      throw new Error(
        `The database of ${service} has no schema ${service}, and the role of ${key}_MIGRATION_DATABASE_URL may not make it (${reasonOf(error)}): let its administrator run "create schema ${service} authorization <role>".`,
      );
    });
}

async function ask(url: string, sql: string, values: unknown[] = []): Promise<number> {
  const database = await Database.open({
    url,
    schema: 'public',
    applicationName: 'points-supervisor',
    log: createLogger('supervisor', 'silent'),
    poolMax: 1,
  });
  try {
    return (await database.pool.query(sql, values)).rowCount ?? 0;
  } finally {
    await database.close();
  }
}

/** The driver's message or code; neither holds the password. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
}
