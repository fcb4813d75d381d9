import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { Tx } from '@points/database';
import { IsInstant, IsListOf, problem } from '@points/http';
import { parseInstant, type Instant } from '@points/kernel';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { instantOf } from '../clock.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';

/** By their names in the registry of RFC 9421, §6.2. */
export const keyAlgorithms = ['ed25519', 'ecdsa-p256-sha256'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export const uploadKeysMax = 50;

export const keyStates = ['waiting', 'approved'] as const;
export type KeyState = (typeof keyStates)[number];

export class PutUploadKey {
  /** SubjectPublicKeyInfo in PEM; Ed25519 or ECDSA with P-256. */
  @IsString()
  @MaxLength(1_000)
  publicKey!: string;

  /** From now on unless told. */
  @IsOptional()
  @IsInstant()
  from?: string;

  /** The first instant at which it holds no more. It may be set, or brought forward, later. */
  @IsOptional()
  @IsInstant()
  to?: string;
}

/** By its fingerprint, which the partner tells the second person by another way than it sent the key. */
export class ApproveUploadKey {
  @Matches(/^sha256:[0-9a-f]{64}$/)
  @JSONSchema({ description: 'as in the key: of the key that is meant' })
  fingerprint!: string;
}

export class UploadKeyView {
  @IsString()
  kid!: string;

  /** waiting: no signature is verified with it until a second person approves. */
  @IsIn([...keyStates])
  state!: KeyState;

  @IsString()
  @JSONSchema({ description: 'sha256: and 64 hexadecimal digits, of the SubjectPublicKeyInfo in DER' })
  fingerprint!: string;

  @IsIn([...keyAlgorithms])
  algorithm!: KeyAlgorithm;

  @IsString()
  publicKey!: string;

  @IsInstant()
  from!: string;

  @IsOptional()
  @IsInstant()
  to?: string;

  @IsString()
  registeredBy!: string;

  @IsInstant()
  registeredAt!: string;

  /** Absent with a key that was registered before a second person was needed. */
  @IsOptional()
  @IsString()
  approvedBy?: string;

  @IsOptional()
  @IsInstant()
  approvedAt?: string;
}

export class UploadKeysView {
  @IsListOf(() => UploadKeyView, uploadKeysMax)
  keys!: UploadKeyView[];
}

interface Actor {
  readonly client: string;
  readonly now: Instant;
}

/**
 * Registers a key, which waits for a second person; or ends one, which nobody needs to wait for: a key that leaked must end at once. Its
 * bytes and its beginning never change, so that what was verified once can be verified again.
 * @throws Problem
 */
export async function putUploadKey(
  tx: Tx,
  { municipality, programme, partner }: PartnerKey,
  kid: string,
  asked: PutUploadKey,
  { client, now }: Actor,
): Promise<{ readonly isNew: boolean; readonly key: UploadKeyView }> {
  const { algorithm, pem } = publicKeyOf(asked.publicKey);
  const [from, to] = [asked.from === undefined ? now : parseInstant(asked.from), asked.to === undefined ? null : parseInstant(asked.to)];
  const keys = await lockKeys(tx, programme, partner);
  const known = keys.find((one) => one.kid === kid);
  if (to !== null && to < (known?.from ?? from))
    throw problem(422, 'invalid-request', 'the body is wrong: to lies before from', {
      errors: [{ field: 'to', reason: 'must not lie before from' }],
    });
  if (!known && keys.length >= uploadKeysMax)
    throw problem(409, 'too-many-keys', `a partner registers at most ${uploadKeysMax} keys`, { maximum: uploadKeysMax });
  if (known && (known.publicKey !== pem || (asked.from !== undefined && known.from !== from)))
    throw problem(409, 'key-exists', 'a key with this id is registered with another public key or beginning; use a new id');
  if (known?.to !== undefined && (to === null || to > known.to))
    throw problem(409, 'key-exists', 'the end of a key can be brought forward only; register a new key');
  if (known) await tx.write(endKey, [programme, partner, kid, to]);
  else await tx.write(insertKey, [municipality, programme, partner, kid, algorithm, pem, from, to, client, now]);
  return { isNew: !known, key: await writtenKey(tx, programme, partner, kid) };
}

/** The second person's word: from now on the key verifies, as far as its own times allow. @throws Problem */
export async function approveUploadKey(
  tx: Tx,
  { programme, partner }: PartnerKey,
  kid: string,
  { fingerprint }: ApproveUploadKey,
  { client, now }: Actor,
): Promise<UploadKeyView> {
  const key = (await lockKeys(tx, programme, partner)).find((one) => one.kid === kid);
  if (!key) throw problem(404, 'unknown-key', 'the partner has no such key');
  if (key.state === 'approved') throw problem(409, 'already-decided', 'the key is approved already', { decidedBy: key.approvedBy });
  if (key.to !== undefined && key.to <= now) throw problem(409, 'already-decided', 'the key has ended; register a new one', { to: key.to });
  if (key.registeredBy === client)
    throw problem(403, 'same-person', 'whoever registered a key cannot approve it', { registeredBy: key.registeredBy });
  if (key.fingerprint !== fingerprint)
    throw problem(422, 'invalid-request', 'the body is wrong: fingerprint is not that of the key', {
      errors: [{ field: 'fingerprint', reason: 'is not that of the key; ask the partner which key it has sent' }],
    });
  await tx.write(approveKey, [programme, partner, kid, client, now]);
  return writtenKey(tx, programme, partner, kid);
}

async function lockKeys(tx: Tx, programme: string, partner: string): Promise<UploadKeyView[]> {
  const [owner] = await tx.query('select from partner where programme = $1 and partner = $2 for no key update', [programme, partner]);
  if (!owner) throw problem(404, 'unknown-partner', 'the programme has no such partner');
  return listUploadKeys(tx, programme, partner);
}

async function writtenKey(tx: Tx, programme: string, partner: string, kid: string): Promise<UploadKeyView> {
  const key = (await listUploadKeys(tx, programme, partner)).find((one) => one.kid === kid);
  if (!key) throw new Error('assertion failed: a key that was just written must be there');
  return key;
}

export async function listUploadKeys(tx: Tx, programme: string, partner: string): Promise<UploadKeyView[]> {
  const rows = await tx.query<KeyRow>(selectKeys, [programme, partner]);
  return rows.map((row) => ({
    kid: row.kid,
    state: row.approved_at ? 'approved' : 'waiting',
    fingerprint: fingerprintOf(row.public_key),
    algorithm: row.algorithm,
    publicKey: row.public_key,
    from: instantOf(row.holds_from),
    ...(row.holds_to && { to: instantOf(row.holds_to) }),
    registeredBy: row.registered_by,
    registeredAt: instantOf(row.registered_at),
    ...(row.approved_by !== null && { approvedBy: row.approved_by }),
    ...(row.approved_at && { approvedAt: instantOf(row.approved_at) }),
  }));
}

function fingerprintOf(pem: string): string {
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}

/** @throws Problem 422 */
function publicKeyOf(text: string): { readonly algorithm: KeyAlgorithm; readonly pem: string } {
  const wrong = (reason: string) =>
    problem(422, 'invalid-request', `the body is wrong: publicKey ${reason}`, { errors: [{ field: 'publicKey', reason }] });
  // createPublicKey takes a private key too, and makes the public one of it.
  if (!/^-----BEGIN PUBLIC KEY-----\s/.test(text)) throw wrong('must be a public key in PEM, beginning with -----BEGIN PUBLIC KEY-----');
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    throw wrong('cannot be read as a public key in PEM');
  }
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  if (key.asymmetricKeyType === 'ed25519') return { algorithm: 'ed25519', pem };
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
    return { algorithm: 'ecdsa-p256-sha256', pem };
  throw wrong('must be of Ed25519 or of ECDSA with P-256');
}

interface KeyRow {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly public_key: string;
  readonly holds_from: Date;
  readonly holds_to: Date | null;
  readonly registered_by: string;
  readonly registered_at: Date;
  readonly approved_by: string | null;
  readonly approved_at: Date | null;
}

const selectKeys = {
  name: 'upload_keys',
  text: `
    select kid, algorithm, public_key, holds_from, holds_to, registered_by, registered_at, approved_by, approved_at
    from upload_key where programme = $1 and partner = $2 order by holds_from, kid limit ${uploadKeysMax}`,
};

const insertKey = `
  insert into upload_key (tenant, programme, partner, kid, algorithm, public_key, holds_from, holds_to, registered_by, registered_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

const endKey = `update upload_key set holds_to = coalesce($4::timestamptz, holds_to) where programme = $1 and partner = $2 and kid = $3`;

const approveKey = 'update upload_key set approved_by = $4, approved_at = $5 where programme = $1 and partner = $2 and kid = $3';
