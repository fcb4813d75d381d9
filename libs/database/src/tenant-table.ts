/**
 * SQL that every table with tenant data needs after `create table`: row-level security that holds for the owner too.
 * The sub-select makes PostgreSQL read the setting once per statement instead of once per row.
 * Without a setting nothing is visible and nothing can be written.
 */
export function tenantTable(table: string): string {
  if (!/^[a-z_]+$/.test(table)) throw new Error('a table name is made of a–z and _');
  const allowed = `tenant = any ((select string_to_array(current_setting('app.tenant', true), ','))::text[]) or (select current_setting('app.tenant', true)) = '*'`;
  return `
    alter table ${table} enable row level security;
    alter table ${table} force row level security;
    create policy ${table}_tenant on ${table} using (${allowed}) with check (${allowed});`;
}
