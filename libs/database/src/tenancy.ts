import type { Tx } from './database.js';

/** Whose rows a transaction may see and write: the row-level security policies compare it with the column `tenant`. */
export type Tenancy = { readonly setting: string };

/** The municipality codes that this transaction works for. */
export function tenants(...codes: readonly string[]): Tenancy {
  if (codes.length === 0) throw new Error('a transaction needs at least one tenant; work of the service itself says everyTenant');
  for (const code of codes) if (!/^\d{6}$/.test(code)) throw new Error('a tenant is a six-digit municipality code');
  return { setting: codes.length === 1 ? (codes[0] ?? '') : [...new Set(codes)].join(',') };
}

/** For the service's own machinery (relay, expiry job, pruning) only. No HTTP request runs under it. */
export const everyTenant: Tenancy = { setting: '*' };

/**
 * The open transaction works for these municipalities too: for a fact of one that is followed by a request to another.
 */
export async function worksForToo(tx: Tx, codes: readonly string[]): Promise<void> {
  if (codes.length === 0) return;
  const { setting } = tenants(...codes);
  await tx.query(
    `select set_config('app.tenant', case when now.setting = '*' then '*' else now.setting || ',' || $1 end, true)
     from (select current_setting('app.tenant') as setting) now`,
    [setting],
  );
}
