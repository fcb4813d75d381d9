import pg from 'pg';
import type { FreshDatabase } from './fresh-database.js';

/**
 * Proves that the service's role is shut in its own schema: puts a neighbour with a table into the same database and tries
 * everything that would reach it as the service's role. @throws Error that lists what was possible.
 */
export async function assertSchemaIsolation(fresh: FreshDatabase): Promise<void> {
  const admin = new pg.Client({ connectionString: fresh.adminUrl });
  const service = new pg.Client({ connectionString: fresh.url });
  await Promise.all([admin.connect(), service.connect()]);
  const possible: string[] = [];
  try {
    await admin.query(
      `create schema if not exists neighbour; create table if not exists neighbour.secret (id int); create table if not exists public.secret (id int)`,
    );
    for (const attempt of attempts) {
      const succeeded = await service.query(attempt).then(
        () => true,
        () => false,
      );
      if (succeeded) possible.push(attempt);
    }
    const { rows } = await service.query<{ name: string }>(foreignTables);
    possible.push(...rows.map(({ name }) => `a privilege on ${name}`));
  } finally {
    await Promise.all([admin.end(), service.end()]);
  }
  if (possible.length) throw new Error(`the service's role can leave its schema: ${possible.join('; ')}`);
}

const attempts = [
  'select * from neighbour.secret',
  'insert into neighbour.secret values (1)',
  'create table neighbour.mine (id int)',
  'select * from public.secret',
  'create table public.mine (id int)',
  'create schema mine',
  `do $$ begin execute 'set role ' || quote_ident(current_user || '_owner'); end $$`,
  `do $$ begin execute 'alter role ' || quote_ident(current_user) || ' superuser'; end $$`,
  `do $$ begin execute 'alter role ' || quote_ident(current_user) || ' bypassrls'; end $$`,
  `copy (select 1) to program 'true'`,
  `select pg_read_file('postgresql.conf')`,
  'set row_security = off; set session_replication_role = replica',
];

const foreignTables = `
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname not in ('pg_catalog', 'information_schema', current_schema())
    and n.nspname not like 'pg_toast%' and n.nspname not like 'pg_temp%'
    and case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'usage, select, update')
             else has_table_privilege(c.oid, 'select, insert, update, delete, truncate, references, trigger') end
    and has_schema_privilege(n.oid, 'usage')`;
