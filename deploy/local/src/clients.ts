import { randomToken } from '@points/kernel';

/** A client of the OpenID Provider that exists from the first start on, in the form of identity's BOOTSTRAP_CLIENTS_FILE. */
export interface BootstrapClient {
  readonly clientId: string;
  readonly secret: string;
  readonly name: string;
  readonly kind: 'operator' | 'tool' | 'partner';
  readonly scopes: readonly string[];
  readonly tenants: readonly string[];
}

/** Every scope that a route of a service asks for; a test compares the two. */
export const everyScope: readonly string[] = [
  ...both('activities', 'clients', 'conversions', 'donations', 'exchange', 'facilities', 'funds', 'grants', 'holders', 'links', 'orders'),
  ...both('partners', 'payments', 'products', 'programmes', 'schemes', 'scheme-files', 'shops', 'statements', 'webhooks', 'reserve'),
  'coupons:redeem',
  'exchange:on-behalf',
  'exchange:reverse-late',
  'history:write',
  'holders:republish',
  'ledger:adjust',
  'ledger:approve',
  'ledger:expire',
  'ledger:extend',
  'ledger:freeze',
  'ledger:post',
  'ledger:read',
  'partners:approve',
  'reports:read',
  'reserve:operate',
  'screening:decide',
  'screening:read',
  'screening:write',
  'statements:close',
];

/** What the curl session that is printed at the start needs, and only in Tamana. */
const demoScopes = [
  'exchange:on-behalf',
  'exchange:write',
  'holders:read',
  'holders:write',
  'ledger:read',
  'payments:read',
  'payments:write',
  'programmes:read',
  'shops:read',
  'webhooks:read',
  'webhooks:write',
];

/** What a partner's own system needs: to link its members' accounts and to exchange their points. */
const sandboxPartnerScopes = ['exchange:read', 'exchange:write', 'links:read', 'links:write'];

/** Keeps the secrets that were given out before; what a client may do follows this file. */
export function bootstrapClients(kept: readonly { clientId: string; secret: string }[]): BootstrapClient[] {
  const secretOf = (clientId: string) => kept.find((one) => one.clientId === clientId)?.secret ?? randomToken();
  return [
    {
      clientId: 'operator',
      secret: secretOf('operator'),
      name: 'Operator of this installation',
      kind: 'operator',
      scopes: everyScope,
      tenants: ['*'],
    },
    {
      clientId: 'demo',
      secret: secretOf('demo'),
      name: 'The curl session printed at the start',
      kind: 'tool',
      scopes: demoScopes,
      tenants: [demoMunicipality],
    },
    {
      clientId: 'sandbox-partner',
      secret: secretOf('sandbox-partner'),
      name: 'The system of the sandbox partner',
      kind: 'partner',
      scopes: sandboxPartnerScopes,
      tenants: [demoMunicipality],
    },
  ];
}

/** 玉名市: its programme has no last day and its shops take points at the till, so a visitor can do everything once. */
export const demoMunicipality = '432067';

function both(...things: readonly string[]): string[] {
  return things.flatMap((thing) => [`${thing}:read`, `${thing}:write`]);
}
