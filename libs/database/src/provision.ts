import pg from 'pg';

export interface ProvisionedService {
  readonly service: string;
  /** Password of the role the service runs as. */
  readonly password: string;
  /** Password of the role that owns the schema and migrates it. */
  readonly ownerPassword: string;
}

/**
 * Makes schema `<service>`, its owner role `<service>_owner` and the role `<service>` that the service runs as and that can
 * reach no other schema. Run with a superuser's URL; running it again changes nothing but the passwords.
 */
export async function provisionService(adminUrl: string, options: ProvisionedService): Promise<void> {
  const { service } = options;
  if (!/^[a-z]+$/.test(service)) throw new Error('a service name is made of a–z');
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const [app, owner] = [service, `${service}_owner`];
    for (const [role, password] of [
      [app, options.password],
      [owner, options.ownerPassword],
    ] as const) {
      const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
      const attributes = `login nosuperuser nobypassrls nocreatedb nocreaterole noinherit password ${pg.escapeLiteral(password)}`;
      await client.query(`${rowCount ? 'alter' : 'create'} role ${role} ${attributes}`);
    }
    const { rows } = await client.query<{ name: string }>('select current_database() as name');
    const database = pg.escapeIdentifier(rows[0]?.name ?? '');
    await client.query(`revoke all on database ${database} from public`);
    await client.query(`revoke all on schema public from public`);
    await client.query(`grant connect on database ${database} to ${app}, ${owner}`);
    await client.query(`create schema if not exists ${service} authorization ${owner}`);
    await client.query(`grant usage on schema ${service} to ${app}`);
    await client.query(`alter role ${app} in database ${database} set search_path = ${service}`);
    await client.query(`alter role ${owner} in database ${database} set search_path = ${service}`);
  } finally {
    await client.end();
  }
}

/** The two URLs of a provisioned service on the server of `adminUrl`. */
export function serviceUrls(adminUrl: string, options: ProvisionedService): { url: string; ownerUrl: string } {
  const withRole = (role: string, password: string) => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = password;
    return url.toString();
  };
  return { url: withRole(options.service, options.password), ownerUrl: withRole(`${options.service}_owner`, options.ownerPassword) };
}
