import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomToken } from '@points/kernel';
import { keepText } from './keep-text.js';
import { bootstrapClients, type BootstrapClient } from './clients.js';

export interface Secrets {
  readonly passwords: ReadonlyMap<string, { readonly password: string; readonly ownerPassword: string }>;
  /** Identity's private keys, a JWK set. */
  readonly jwksFile: string;
  readonly clientsFile: string;
  /** Under which exchange hashes coupon codes. */
  readonly couponKeyFile: string;
  /** Under which exchange seals the tokens of linked accounts. */
  readonly linkKeysFile: string;
  /** Of the exchange's client at the sandbox partner. */
  readonly partnerSiteSecret: string;
  readonly clients: readonly BootstrapClient[];
}

/** Made once and kept, readable for their owner only. Whoever may read the folder is the operator. */
export function keepSecrets(home: string, services: readonly string[]): Secrets {
  const folder = join(home, 'secrets');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const passwordsFile = join(folder, 'database-passwords.json');
  const jwksFile = join(folder, 'identity-jwks.json');
  const clientsFile = join(folder, 'bootstrap-clients.json');
  const couponKeyFile = join(folder, 'exchange-coupon-key');
  const linkKeysFile = join(folder, 'exchange-link-keys');

  const kept = readJson<Record<string, { password: string; ownerPassword: string }>>(passwordsFile) ?? {};
  const passwords = new Map(
    services.map((service) => [service, kept[service] ?? { password: randomToken(), ownerPassword: randomToken() }]),
  );
  writeSecret(passwordsFile, { ...kept, ...Object.fromEntries(passwords) });

  if (!readJson(jwksFile)) writeSecret(jwksFile, { keys: [signingKey()] });

  if (!existsSync(couponKeyFile)) writeText(couponKeyFile, randomToken());
  if (!existsSync(linkKeysFile)) writeText(linkKeysFile, `k1:${randomToken()}`);
  const partnerSiteSecret = keepText(join(folder, 'partner-site-client-secret'), randomToken);

  const clients = bootstrapClients(readJson<BootstrapClient[]>(clientsFile) ?? []);
  writeSecret(clientsFile, clients);
  return { passwords, jwksFile, clientsFile, clients, couponKeyFile, linkKeysFile, partnerSiteSecret };
}

/** Whole or not at all: a reader never sees half a file, and a full disk leaves the old one. */
export function writeSecret(file: string, content: unknown): void {
  writeText(file, `${JSON.stringify(content, null, 2)}\n`);
}

function writeText(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readJson<T>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    // Written by this file only; what uses it checks its content (identity refuses wrong keys and clients by name).
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${file} is not JSON: put the right file back, or remove it to have a new one made.`);
  }
}

/** ES256: identity signs tokens with it, every service checks them with the public half. */
function signingKey(): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: `local-${randomToken().slice(0, 8)}`, alg: 'ES256', use: 'sig' };
}
