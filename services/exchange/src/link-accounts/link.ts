import { createHash } from 'node:crypto';
import { violatedConstraint, type Tx } from '@points/database';
import { findHolder, unknownMyKeyId } from '@points/holders';
import { problem, type Cause } from '@points/http';
import { uuidv7, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { termsAt } from '../set-up-partners/partner.js';
import { findConnection, type Connection } from './connection.js';
import { linksMax, type AccountLinkView, type EndedReason, type LinkState } from './link-shapes.js';
import type { Seal } from './seal.js';
import type { PartnerTokens, Visit } from './sign-in-at-partner.js';

/** Long enough to find the password of a members' site, short enough that an address left on a screen is worth nothing tomorrow. */
export const visitMinutes = 10;
export const startPruneRowsMax = 10_000;

/** The partner's connection, for a client that may act for the partner. @throws Problem */
export async function connectionFor(tx: Tx, cause: Cause, programme: string, partner: string, seal: Seal): Promise<Connection> {
  const [known] = await tx.query<{ kind: string; clients: string[] }>(selectPartner, [programme, partner]);
  if (!known) throw problem(422, 'unknown-partner', 'the programme has no such partner', { partner });
  if (!cause.scopes.has('exchange:on-behalf') && !known.clients.includes(cause.client))
    throw problem(403, 'client-not-of-partner', 'this client may not link accounts of this partner', { partner });
  const connection = await findConnection(tx, programme, partner, seal);
  if (!connection) throw problem(422, 'partner-not-connected', 'the partner takes no linked accounts: it has no connection', { partner });
  return connection;
}

/** @throws Problem when nobody has the My Key ID */
export async function holderOf(tx: Tx, myKeyId: string): Promise<string> {
  const holder = await findHolder(tx, myKeyId);
  if (holder === undefined) throw unknownMyKeyId();
  return holder;
}

export async function keepStart(
  tx: Tx,
  { municipality, programme, partner }: PartnerKey,
  start: { readonly holder: string; readonly visit: Visit; readonly redirectUri: string; readonly expiresAt: Instant },
  seal: Seal,
): Promise<void> {
  const { holder, visit, redirectUri, expiresAt } = start;
  const hash = hashOf(visit.state);
  const verifier = seal.close(visit.verifier, aboutVerifier(hash));
  await tx.write(insertStart, [hash, municipality, programme, partner, holder, visit.nonce, verifier, redirectUri, expiresAt]);
}

/** Deletes visits that nobody came back from; answers how many. Call again while it answers the maximum. */
export function pruneStarts(tx: Tx): Promise<number> {
  return tx.write(deleteOverdue, [startPruneRowsMax]);
}

export interface TakenStart {
  readonly holder: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

/** Takes the visit that the state stands for: it is gone with this, whatever comes of it. Undefined: unknown, used, or too long ago. */
export async function takeStart(tx: Tx, { programme, partner }: PartnerKey, state: string, seal: Seal): Promise<TakenStart | undefined> {
  const hash = hashOf(state);
  const [row] = await tx.query<{ holder: string; nonce: string; verifier: string; redirect_uri: string; is_open: boolean }>(deleteStart, [
    hash,
    programme,
    partner,
  ]);
  if (!row?.is_open) return undefined;
  const { holder, nonce, verifier, redirect_uri: redirectUri } = row;
  return { holder, nonce, redirectUri, verifier: seal.open(verifier, aboutVerifier(hash)) };
}

/**
 * Stores what the partner has given. The same account again keeps its link and has its tokens renewed.
 * @throws Problem 409 when the holder has another account linked, or the account is another holder's
 */
export async function keepLink(
  tx: Tx,
  { municipality, programme, partner }: PartnerKey,
  given: {
    readonly holder: string;
    readonly subjectHash: string;
    readonly tokens: PartnerTokens;
    readonly client: string;
    readonly now: Instant;
  },
  seal: Seal,
): Promise<AccountLinkView> {
  const { holder, subjectHash, tokens, client, now } = given;
  const [before] = await tx.query<{ id: string; subject_hash: string }>(lockLinkOfHolder, [programme, partner, holder]);
  if (before && before.subject_hash !== subjectHash)
    throw problem(409, 'already-linked', 'another account of this partner is linked; unlink it first', { link: before.id });
  const id = before?.id ?? uuidv7();
  try {
    if (!before) await tx.write(insertLink, [id, municipality, programme, partner, holder, subjectHash, now, client]);
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === 'account_link_of_account')
      throw problem(409, 'account-linked-elsewhere', 'this account of the partner is linked by another person');
    if (constraint === 'account_link_of_holder') throw problem(409, 'already-linked', 'an account of this partner was linked a moment ago');
    throw error;
  }
  await writeTokens(tx, id, tokens, seal);
  const [row] = await tx.query<LinkRow>(`${selectLink} where id = $1`, [id]);
  if (!row) throw new Error('assertion failed: a link that was just written must be there');
  return linkView(row);
}

/** Also ends whoever's lease on the refresh it is. */
export async function writeTokens(tx: Tx, id: string, tokens: PartnerTokens, seal: Seal): Promise<void> {
  await tx.write(updateTokens, [
    id,
    seal.close(tokens.accessToken, aboutToken(id, 'access')),
    tokens.accessUntil ?? null,
    tokens.refreshToken === undefined ? null : seal.close(tokens.refreshToken, aboutToken(id, 'refresh')),
  ]);
}

/** Without its tokens; false when it had ended before. */
export async function endLink(tx: Tx, id: string, reason: EndedReason): Promise<boolean> {
  return (await tx.write(endLinkStatement, [id, reason])) === 1;
}

/** Those that the client may know of: where else somebody is a member is nothing that a partner's system is told. */
export async function findLinks(tx: Tx, { client, scopes }: Cause, programme: string, holder: string): Promise<AccountLinkView[]> {
  const rows = await tx.query<LinkRow>(
    `${selectLink} where l.programme = $1 and l.holder = $2 and ${isKnown} order by l.id desc limit $5`,
    [...[programme, holder, scopes.has('exchange:on-behalf'), client, linksMax]],
  );
  return rows.map(linkView);
}

/** Undefined also where the client may not know of it. */
export async function lockLink(tx: Tx, { client, scopes }: Cause, programme: string, id: string): Promise<LockedLink | undefined> {
  const [row] = await tx.query<LinkRow & { refresh_token: string | null }>(
    `select id, partner, state, linked_at, ended_at, ended_reason, refresh_token from account_link l
     where l.programme = $1 and l.id = $2 and ${isKnown} for update`,
    [programme, id, scopes.has('exchange:on-behalf'), client],
  );
  return row && { view: linkView(row), sealedRefreshToken: row.refresh_token };
}

export interface LockedLink {
  readonly view: AccountLinkView;
  readonly sealedRefreshToken: string | null;
}

export async function readLink(tx: Tx, id: string): Promise<AccountLinkView | undefined> {
  const [row] = await tx.query<LinkRow>(`${selectLink} where id = $1`, [id]);
  return row && linkView(row);
}

export function aboutToken(link: string, kind: 'access' | 'refresh'): string {
  return `account_link ${link} ${kind}_token`;
}

interface LinkRow {
  readonly id: string;
  readonly partner: string;
  readonly state: LinkState;
  readonly linked_at: Date;
  readonly ended_at: Date | null;
  readonly ended_reason: EndedReason | null;
}

function linkView({ id, partner, state, linked_at, ended_at, ended_reason }: LinkRow): AccountLinkView {
  return {
    link: id,
    partner,
    state,
    linkedAt: instantOf(linked_at),
    ...(ended_at && { endedAt: instantOf(ended_at) }),
    ...(ended_reason && { endedReason: ended_reason }),
  };
}

function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}

function aboutVerifier(stateHash: string): string {
  return `link_start ${stateHash} verifier`;
}

const selectPartner = `select p.kind, t.clients from partner p ${termsAt('now()')} where p.programme = $1 and p.partner = $2`;

const insertStart = `
  insert into link_start (state_hash, tenant, programme, partner, holder, nonce, verifier, redirect_uri, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
const deleteOverdue = 'delete from link_start where ctid = any (array(select ctid from link_start where expires_at < now() limit $1))';
const deleteStart = `
  delete from link_start where state_hash = $1 and programme = $2 and partner = $3
  returning holder, nonce, verifier, redirect_uri, expires_at > now() as is_open`;

const selectLink = 'select id, partner, state, linked_at, ended_at, ended_reason from account_link l';
/** $3: the client may act for every partner. $4: the client. */
const isKnown = `
  ($3 or exists (select from partner p ${termsAt('now()')} where p.programme = l.programme and p.partner = l.partner and $4 = any (t.clients)))`;
const lockLinkOfHolder = `
  select id, subject_hash from account_link where programme = $1 and partner = $2 and holder = $3 and state = 'linked' for update`;
const insertLink = `
  insert into account_link (id, tenant, programme, partner, holder, subject_hash, state, linked_at, client)
  values ($1, $2, $3, $4, $5, $6, 'linked', $7, $8)`;
const updateTokens = `
  update account_link
  set access_token = $2, access_until = $3, refresh_token = coalesce($4, refresh_token), refresh_lease = null, refresh_until = null
  where id = $1 and state = 'linked'`;
const endLinkStatement = `
  update account_link
  set state = 'ended', ended_reason = $2, ended_at = now(), access_token = null, access_until = null, refresh_token = null,
      refresh_lease = null, refresh_until = null
  where id = $1 and state = 'linked'`;
