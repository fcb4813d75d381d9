/** `<thing>:<right>`, a scope-token of RFC 6749 §3.3. Which scope a route needs is said by the route, in its service. */
export const scopeForm = /^[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}$/;

export type ScopeDecision =
  { readonly ok: true; readonly granted: readonly string[] } | { readonly ok: false; readonly refused: readonly string[] };

/** A client gets what it asks for if it is registered for all of it, and everything it is registered for if it names nothing. */
export function decideScopes(registered: readonly string[], asked: string | undefined): ScopeDecision {
  const wanted = [...new Set((asked ?? '').split(' ').filter(Boolean))];
  const refused = wanted.filter((scope) => !registered.includes(scope));
  if (refused.length) return { ok: false, refused };
  return { ok: true, granted: wanted.length ? wanted : registered };
}

export function mayMunicipalityGive(scope: string): boolean {
  const [thing = '', right = ''] = scope.split(':');
  return scopeForm.test(scope) && ((right === 'read' && municipal.read.has(thing)) || (right === 'write' && municipal.write.has(thing)));
}

/**
 * What a municipality may give its own clients: the daily work of its shops, partners and staff. Clients, the terms of partners,
 * programmes and the import of history are missing on purpose: the operator gives those, so that a client cannot widen itself.
 */
const daily = [
  'accounts',
  'activities',
  'conversions',
  'donations',
  'exchange',
  'facilities',
  'funds',
  'grants',
  'holders',
  'ledger',
  'orders',
  'payments',
  'products',
  'scheme-files',
  'schemes',
  'settlements',
  'shops',
] as const;
const municipal: { readonly read: ReadonlySet<string>; readonly write: ReadonlySet<string> } = {
  read: new Set([...daily, 'partners', 'programmes', 'reports']),
  write: new Set(daily),
};
