import { randomToken } from '@points/kernel';

/** A client of the OpenID Provider that exists from the first start on, in the form of identity's BOOTSTRAP_CLIENTS_FILE. */
export interface BootstrapClient {
  readonly clientId: string;
  readonly secret: string;
  readonly name: string;
  readonly kind: 'operator' | 'tool';
  readonly scopes: readonly string[];
  readonly tenants: readonly string[];
}

const things = [
  ...['clients', 'holders', 'programmes', 'ledger', 'reports', 'partners', 'exchange', 'conversions', 'shops', 'merchants', 'payments'],
  ...['settlements', 'products', 'orders', 'facilities', 'activities', 'donations', 'funds', 'municipalities'],
];
const everyScope = [...things.flatMap((thing) => [`${thing}:read`, `${thing}:write`]), 'holders:republish'];

/** What the curl session that is printed at the start needs, and only in Kawasaki. */
const demoScopes = ['holders', 'exchange', 'ledger', 'payments', 'shops', 'products', 'orders', 'partners', 'programmes'].flatMap(
  (thing) => (['payments', 'exchange', 'orders', 'holders'].includes(thing) ? [`${thing}:read`, `${thing}:write`] : [`${thing}:read`]),
);

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
      tenants: ['141305'],
    },
  ];
}
