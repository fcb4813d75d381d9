import { isMunicipalityCode } from '@points/kernel';
import { scopeForm } from '../rules/scopes.js';
import { clientKinds, type ClientKind, type ClientSpec } from './client.js';

export interface BootstrapClient extends ClientSpec {
  readonly secret: string;
}

/** An installation begins with a handful of clients: the operator's, the tools', those of a trial. The rest comes by the API. */
export const bootstrapClientsMax = 200;
export const clientIdForm = /^[a-z0-9][a-z0-9._-]{1,63}$/;
/** 32 characters of a random text hold at least 128 bits (hex); the hashing relies on it, see client-secret.ts. */
const secretForm = /^[A-Za-z0-9._~-]{32,200}$/;
const fields = ['clientId', 'secret', 'name', 'kind', 'scopes', 'tenants'];

/** Reads the clients that exist from the first start on. @throws RangeError that names place and field, and holds no value */
export function parseBootstrapClients(text: string): BootstrapClient[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new RangeError('is not JSON');
  }
  if (!Array.isArray(list) || list.length > bootstrapClientsMax)
    throw new RangeError(`must be a list of at most ${bootstrapClientsMax} clients`);
  const clients = list.map(readClient);
  if (new Set(clients.map((one) => one.clientId)).size < clients.length) throw new RangeError('names a clientId twice');
  return clients;
}

function readClient(entry: unknown, index: number): BootstrapClient {
  const wrong = (field: string, what: string) => new RangeError(`client ${index + 1}, ${field}: ${what}`);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw wrong('entry', 'must be an object');
  const { clientId, secret, name = clientId, kind = 'tool', scopes, tenants, ...others } = entry as Record<string, unknown>;
  if (typeof clientId !== 'string' || !clientIdForm.test(clientId))
    throw wrong('clientId', '2 to 64 of a–z, 0–9, dot, underscore and hyphen');
  if (typeof secret !== 'string' || !secretForm.test(secret))
    throw wrong('secret', '32 to 200 random letters, digits, dot, underscore, tilde or hyphen');
  if (typeof name !== 'string' || name.length === 0 || name.length > 100) throw wrong('name', '1 to 100 characters');
  if (!isKind(kind)) throw wrong('kind', `one of ${clientKinds.join(', ')}`);
  if (!isTextList(scopes) || !scopes.every((scope) => scopeForm.test(scope)))
    throw wrong('scopes', 'a list of texts in the form thing:right');
  if (!isTextList(tenants) || !areTenants(tenants)) throw wrong('tenants', 'a list of municipality codes, or ["*"]');
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw wrong(unknown, `is not known; fields are ${fields.join(', ')}`);
  return { clientId, secret, name, kind, scopes: sorted(scopes), tenants: sorted(tenants) };
}

/** Real codes with their check digit, or everything. */
export function areTenants(tenants: readonly string[]): boolean {
  return tenants.length > 0 && (tenants.every(isMunicipalityCode) || (tenants.length === 1 && tenants[0] === '*'));
}

export function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

function isKind(value: unknown): value is ClientKind {
  return clientKinds.some((kind) => kind === value);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');
}
