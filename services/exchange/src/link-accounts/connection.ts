import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { IsBoolean, IsString, Length, Matches } from 'class-validator';
import { mustBeReachable } from '../reach-outside/outside-url.js';
import type { Reach } from '../reach-outside/request-outside.js';
import type { Seal } from './seal.js';

const httpAddress = /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/;

/** Where a partner of the kind account-link is, and as whom this service comes there. */
export class PutConnection {
  /** Of the partner's OpenID Connect sign-in; its addresses are read from /.well-known/openid-configuration. */
  @Matches(httpAddress)
  @Length(8, 300)
  issuer!: string;

  /** Where the partner takes reservations: PUT <endpoint>/reservations/<id>. */
  @Matches(httpAddress)
  @Length(8, 300)
  endpoint!: string;

  @Matches(/^[\x21-\x7e]{1,100}$/)
  clientId!: string;

  /** Never answered. */
  @Matches(/^[\x21-\x7e]{1,200}$/)
  clientSecret!: string;

  /** The page to which the partner sends residents back; it hands code and state to `callback`. */
  @Matches(httpAddress)
  @Length(8, 300)
  redirectUri!: string;
}

export class ConnectionView {
  @IsString()
  partner!: string;

  @IsString()
  issuer!: string;

  @IsString()
  endpoint!: string;

  @IsString()
  clientId!: string;

  @IsString()
  redirectUri!: string;

  @IsBoolean()
  hasSecret!: boolean;
}

/** A connection as the service uses it. */
export interface Connection {
  readonly programme: string;
  readonly partner: string;
  readonly issuer: string;
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  /** Rises with each change. */
  readonly version: number;
}

export interface ConnectionKey {
  readonly municipality: string;
  readonly programme: string;
  readonly partner: string;
}

/** @throws Problem */
export async function putConnection(
  tx: Tx,
  key: ConnectionKey,
  body: PutConnection,
  { seal, reach, now }: { readonly seal: Seal; readonly reach: Reach; readonly now: string },
): Promise<{ readonly isNew: boolean; readonly connection: ConnectionView }> {
  const { municipality, programme, partner } = key;
  const [found] = await tx.query<{ kind: string }>('select kind from partner where programme = $1 and partner = $2', [programme, partner]);
  if (!found) throw problem(404, 'unknown-partner', 'the programme has no such partner');
  if (found.kind !== 'account-link')
    throw problem(422, 'not-account-link', 'only a partner of the kind account-link is connected', { kind: found.kind });
  mustBeReachable({ issuer: body.issuer, endpoint: body.endpoint }, reach);
  for (const field of ['issuer', 'endpoint', 'redirectUri'] as const)
    if (!isSafe(body[field]))
      throw problem(422, 'invalid-request', `the body is wrong: ${field} must be an https address, or one of this machine`, {
        errors: [{ field, reason: 'must be an https address: tokens, or what they are got for, travel to it' }],
      });
  const secret = seal.close(body.clientSecret, aboutSecret(programme, partner));
  const [row] = await tx.query<{ version: number }>(upsertConnection, [
    ...[municipality, programme, partner, body.issuer, body.endpoint, body.clientId, secret, body.redirectUri, now],
  ]);
  const { issuer, endpoint, clientId, redirectUri } = body;
  return { isNew: row?.version === 1, connection: { partner, issuer, endpoint, clientId, redirectUri, hasSecret: true } };
}

export async function findConnection(tx: Tx, programme: string, partner: string, seal: Seal): Promise<Connection | undefined> {
  const [row] = await tx.query<ConnectionRow>(selectConnection, [programme, partner]);
  return row && connectionOf(row, seal);
}

export interface ConnectionRow {
  readonly programme: string;
  readonly partner: string;
  readonly issuer: string;
  readonly endpoint: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly redirect_uri: string;
  readonly version: number;
}

export const connectionColumns = 'c.programme, c.partner, c.issuer, c.endpoint, c.client_id, c.client_secret, c.redirect_uri, c.version';

export function connectionOf(row: ConnectionRow, seal: Seal): Connection {
  const { programme, partner, issuer, endpoint, version } = row;
  return {
    ...{ programme, partner, issuer, endpoint, version },
    clientId: row.client_id,
    clientSecret: seal.open(row.client_secret, aboutSecret(programme, partner)),
    redirectUri: row.redirect_uri,
  };
}

export function connectionView({ partner, issuer, endpoint, clientId, redirectUri }: Connection): ConnectionView {
  return { partner, issuer, endpoint, clientId, redirectUri, hasSecret: true };
}

/** Tokens and codes must not travel in the clear; on one machine nothing listens in between. */
function isSafe(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || isThisMachine(hostname);
}

export function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function aboutSecret(programme: string, partner: string): string {
  return `partner_connection ${programme} ${partner} client_secret`;
}

const selectConnection = `select ${connectionColumns} from partner_connection c where c.programme = $1 and c.partner = $2`;

const upsertConnection = `
  insert into partner_connection as c (tenant, programme, partner, issuer, endpoint, client_id, client_secret, redirect_uri, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict on constraint partner_connection_pk do update
    set issuer = $4, endpoint = $5, client_id = $6, client_secret = $7, redirect_uri = $8, version = c.version + 1, updated_at = $9
  returning version`;
