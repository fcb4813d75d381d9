import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Tx } from '@points/database';
import { IsInstant, problem } from '@points/http';
import { parseInstant, type Instant } from '@points/kernel';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { instantOf } from '../clock.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';

/** By their names in the registry of RFC 9421, §6.2. */
export const keyAlgorithms = ['ed25519', 'ecdsa-p256-sha256'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export const uploadKeysMax = 50;

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

export class UploadKeyView {
  @IsString()
  kid!: string;

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
}

export class UploadKeysView {
  @ValidateNested({ each: true })
  @Type(() => UploadKeyView)
  @IsArray()
  @ArrayMaxSize(uploadKeysMax)
  keys!: UploadKeyView[];
}

/**
 * Registers a key, or ends one: its bytes and its beginning never change, so that what was verified once can be verified again.
 * @throws Problem
 */
export async function putUploadKey(
  tx: Tx,
  { municipality, programme, partner }: PartnerKey,
  kid: string,
  asked: PutUploadKey,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<{ readonly isNew: boolean; readonly key: UploadKeyView }> {
  const { algorithm, pem } = publicKeyOf(asked.publicKey);
  const [from, to] = [asked.from === undefined ? now : parseInstant(asked.from), asked.to === undefined ? null : parseInstant(asked.to)];
  const [owner] = await tx.query('select from partner where programme = $1 and partner = $2 for no key update', [programme, partner]);
  if (!owner) throw problem(404, 'unknown-partner', 'the programme has no such partner');
  const keys = await listUploadKeys(tx, programme, partner);
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
  const key = (await listUploadKeys(tx, programme, partner)).find((one) => one.kid === kid);
  if (!key) throw new Error('assertion failed: a key that was just written must be there');
  return { isNew: !known, key };
}

export async function listUploadKeys(tx: Tx, programme: string, partner: string): Promise<UploadKeyView[]> {
  const rows = await tx.query<KeyRow>(selectKeys, [programme, partner]);
  return rows.map((row) => ({
    kid: row.kid,
    algorithm: row.algorithm,
    publicKey: row.public_key,
    from: instantOf(row.holds_from),
    ...(row.holds_to && { to: instantOf(row.holds_to) }),
    registeredBy: row.registered_by,
    registeredAt: instantOf(row.registered_at),
  }));
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
}

const selectKeys = {
  name: 'upload_keys',
  text: `
    select kid, algorithm, public_key, holds_from, holds_to, registered_by, registered_at
    from upload_key where programme = $1 and partner = $2 order by holds_from, kid limit ${uploadKeysMax}`,
};

const insertKey = `
  insert into upload_key (tenant, programme, partner, kid, algorithm, public_key, holds_from, holds_to, registered_by, registered_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

const endKey = `update upload_key set holds_to = coalesce($4::timestamptz, holds_to) where programme = $1 and partner = $2 and kid = $3`;
