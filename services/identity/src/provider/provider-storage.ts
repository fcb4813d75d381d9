import { everyTenant, type Database, type Tx } from '@points/database';
import { randomToken } from '@points/kernel';

/** What a token of this client may say; oidc-provider keeps it beside its own client metadata. */
export interface ClientGrants {
  readonly secretHashes: readonly string[];
  readonly grantedScopes: readonly string[];
  readonly tenants: readonly string[];
}

export const clientGrantFields = ['secretHashes', 'grantedScopes', 'tenants'] as const satisfies readonly (keyof ClientGrants)[];

type Payload = Record<string, unknown> & { readonly grantId?: string; readonly userCode?: string; readonly uid?: string };

/**
 * The storage that oidc-provider asks for, on PostgreSQL: one for each of its models. Clients are read from this service's own
 * tables, at each request, so that a revoked client or secret is refused at once; the rest is kept as it comes.
 */
export function providerStorage(database: Database) {
  return (model: string) => (model === 'Client' ? clientStorage(database) : recordStorage(database, model));
}

/** Under everyTenant: who a client is must be known before one can say for whom it acts. */
function clientStorage(database: Database) {
  const never = () => Promise.reject(new Error('clients are written by the client API, not by the OpenID Provider'));
  return {
    find: (clientId: string) => database.transaction(everyTenant, (tx) => findClient(tx, clientId)),
    upsert: never,
    destroy: never,
    consume: never,
    findByUid: never,
    findByUserCode: never,
    revokeByGrantId: never,
  };
}

async function findClient(tx: Tx, clientId: string): Promise<(ClientGrants & Record<string, unknown>) | undefined> {
  const [client] = await tx.query<{ name: string; scopes: string[]; tenants: string[]; hashes: string[] }>(
    {
      name: 'find_client',
      text: `
        select c.name, c.scopes, c.tenants,
               array(select s.hash from client_secret s where s.client = c.id and (s.valid_until is null or s.valid_until > now()) order by s.id desc) as hashes
          from client c
         where c.id = $1 and c.revoked_at is null`,
    },
    [clientId],
  );
  if (!client) return undefined;
  return {
    client_id: clientId,
    client_name: client.name,
    client_secret: nobodysSecret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'client_secret_basic',
    secretHashes: client.hashes,
    grantedScopes: client.scopes,
    tenants: client.tenants,
  };
}

/**
 * oidc-provider insists on a secret it can compare. The comparison is replaced (see openid-provider.ts); should that ever fail to
 * take hold, this value, drawn at each start and told to nobody, opens no door.
 */
const nobodysSecret = randomToken();

function recordStorage(database: Database, model: string) {
  const inTransaction = <T>(work: (tx: Tx) => Promise<T>) => database.transaction(everyTenant, work);
  const findBy = (column: 'id' | 'uid' | 'user_code') => (value: string) =>
    inTransaction(async (tx) => {
      const [row] = await tx.query<{ payload: Payload; consumed: number | null }>(
        `select payload, floor(extract(epoch from consumed_at))::int as consumed from provider_record
          where model = $1 and ${column} = $2 and (expires_at is null or expires_at > now())`,
        [model, value],
      );
      return row && { ...row.payload, ...(row.consumed !== null && { consumed: row.consumed }) };
    });
  return {
    find: findBy('id'),
    findByUid: findBy('uid'),
    findByUserCode: findBy('user_code'),
    upsert: (id: string, payload: Payload, expiresInSeconds?: number) =>
      inTransaction((tx) =>
        tx.write(
          `insert into provider_record (model, id, payload, grant_id, user_code, uid, expires_at)
           values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
           on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, user_code = excluded.user_code,
             uid = excluded.uid, expires_at = excluded.expires_at`,
          [
            model,
            id,
            JSON.stringify(payload),
            payload.grantId ?? null,
            payload.userCode ?? null,
            payload.uid ?? null,
            expiresInSeconds ?? null,
          ],
        ),
      ),
    consume: (id: string) =>
      inTransaction((tx) => tx.write('update provider_record set consumed_at = now() where model = $1 and id = $2', [model, id])),
    destroy: (id: string) => inTransaction((tx) => tx.write('delete from provider_record where model = $1 and id = $2', [model, id])),
    revokeByGrantId: (grantId: string) => inTransaction((tx) => tx.write('delete from provider_record where grant_id = $1', [grantId])),
  };
}
