import type { Tx } from '@points/database';
import { IsBoolean, IsOptional, IsString, Length, Matches } from 'class-validator';

export class PutScheme {
  @IsString()
  @Length(1, 100)
  name!: string;

  /** Where the scheme takes credits: PUT <endpoint>/schemes/<scheme>/credits/<id>. */
  @Matches(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/)
  @Length(8, 300)
  endpoint!: string;

  /** Sent to the scheme as a bearer token, never answered. Absent: the one that was given before stays. */
  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,200}$/)
  secret?: string;
}

export class SchemeView {
  @IsString()
  scheme!: string;

  @IsString()
  name!: string;

  @IsString()
  endpoint!: string;

  @IsBoolean()
  hasSecret!: boolean;
}

export interface SchemeKey {
  readonly municipality: string;
  readonly programme: string;
  readonly scheme: string;
}

export async function putScheme(
  tx: Tx,
  { municipality, programme, scheme }: SchemeKey,
  body: PutScheme,
  now: string,
): Promise<{ readonly isNew: boolean; readonly scheme: SchemeView }> {
  const values = [municipality, programme, scheme, body.name, body.endpoint, body.secret ?? null, now];
  const isNew = (await tx.write(insertScheme, values)) === 1;
  if (!isNew) await tx.write(updateScheme, values.slice(1));
  const found = await findScheme(tx, { programme, scheme });
  if (!found) throw new Error('assertion failed: a scheme that was just written must be there');
  return { isNew, scheme: found };
}

export async function findScheme(tx: Tx, { programme, scheme }: Omit<SchemeKey, 'municipality'>): Promise<SchemeView | undefined> {
  const [row] = await tx.query<{ name: string; endpoint: string; has_secret: boolean }>(
    'select name, endpoint, secret is not null as has_secret from scheme where programme = $1 and scheme = $2',
    [programme, scheme],
  );
  return row && { scheme, name: row.name, endpoint: row.endpoint, hasSecret: row.has_secret };
}

const insertScheme = `
  insert into scheme (tenant, programme, scheme, name, endpoint, secret, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $7)
  on conflict on constraint scheme_pk do nothing`;

/** Writes only what differs: an equal PUT leaves the row alone. */
const updateScheme = `
  update scheme set name = $3, endpoint = $4, secret = coalesce($5, secret), updated_at = $6
  where programme = $1 and scheme = $2 and (name, endpoint, secret) is distinct from ($3, $4, coalesce($5, secret))`;
