import type { Tx } from '@points/database';
import { problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { clientsMax } from '../set-up-partners/terms-shapes.js';
import {
  cutOffHourMax,
  deliveries,
  deliveryTrouble,
  giveBackDaysMax,
  giveBackDaysUnlessTold,
  type Delivery,
} from '../rules/scheme-delivery.js';
import { planFiles } from './plan-files.js';

export class PutScheme {
  @IsString()
  @Length(1, 100)
  name!: string;

  /** How the scheme is asked for credits; api unless told. */
  @IsOptional()
  @IsIn([...deliveries])
  delivery?: Delivery;

  /** By api: where the scheme takes credits, PUT <endpoint>/schemes/<scheme>/credits/<id>. */
  @IsOptional()
  @Matches(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/)
  @Length(8, 300)
  endpoint?: string;

  /** By api: sent to the scheme as a bearer token, never answered. Absent: the one that was given before stays. */
  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,200}$/)
  secret?: string;

  /** By file: the hour of Tokyo at which the file of a day is cut off. 0 is the midnight with which the day begins. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(cutOffHourMax)
  cutOffHour?: number;

  /** Whole days after which points go back that the scheme has not answered for; 14 unless told. For what is asked from now on. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(giveBackDaysMax)
  giveBackAfterDays?: number;

  /** OAuth clients of the scheme's own system: they read its files and send its results. None unless told. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(clientsMax)
  @Length(1, 100, { each: true })
  clients?: string[];
}

export class SchemeView {
  @IsString()
  scheme!: string;

  @IsString()
  name!: string;

  @IsIn([...deliveries])
  delivery!: Delivery;

  /** By api. */
  @IsOptional()
  @IsString()
  endpoint?: string;

  @IsBoolean()
  hasSecret!: boolean;

  /** By file. */
  @IsOptional()
  @IsInt()
  cutOffHour?: number;

  @IsInt()
  giveBackAfterDays!: number;

  @IsArray()
  @IsString({ each: true })
  clients!: readonly string[];
}

export interface SchemeKey {
  readonly municipality: string;
  readonly programme: string;
  readonly scheme: string;
}

/**
 * Sets a scheme up or changes it. Its delivery stays while conversions are on their way to it: they were asked for under it.
 * @throws Problem 422 `invalid-request`, 409 `conversions-at-scheme`
 */
export async function putScheme(
  tx: Tx,
  { municipality, programme, scheme }: SchemeKey,
  body: PutScheme,
  now: Instant,
): Promise<{ readonly isNew: boolean; readonly scheme: SchemeView }> {
  const { delivery = 'api', endpoint, secret, cutOffHour, giveBackAfterDays = giveBackDaysUnlessTold, clients = [] } = body;
  const trouble = deliveryTrouble({ delivery, endpoint, secret, cutOffHour });
  if (trouble.length)
    throw problem(422, 'invalid-request', `the body is wrong: ${trouble.map((one) => `${one.field} ${one.reason}`).join('; ')}`, {
      errors: trouble,
    });
  const values = [municipality, programme, scheme, body.name, delivery, endpoint ?? null, secret ?? null, cutOffHour ?? null];
  const all = [...values, giveBackAfterDays, clients, now];
  const isNew = (await tx.write(insertScheme, all)) === 1;
  if (!isNew) {
    await requireQuiet(tx, { programme, scheme }, delivery);
    await tx.write(updateScheme, all.slice(1));
  }
  await planFiles(tx, { municipality, programme, scheme }, cutOffHour, now);
  const found = await findScheme(tx, { programme, scheme });
  if (!found) throw new Error('assertion failed: a scheme that was just written must be there');
  return { isNew, scheme: found };
}

export async function findScheme(tx: Tx, { programme, scheme }: Omit<SchemeKey, 'municipality'>): Promise<SchemeView | undefined> {
  const [row] = await tx.query<SchemeRow>(selectScheme, [programme, scheme]);
  return (
    row && {
      scheme,
      name: row.name,
      delivery: row.delivery,
      ...(row.endpoint !== null && { endpoint: row.endpoint }),
      hasSecret: row.has_secret,
      ...(row.cut_off_hour !== null && { cutOffHour: row.cut_off_hour }),
      giveBackAfterDays: row.give_back_after_days,
      clients: row.clients,
    }
  );
}

/** Conversions read the row under a share lock: after this one none comes in under the old delivery. @throws Problem */
async function requireQuiet(tx: Tx, { programme, scheme }: Omit<SchemeKey, 'municipality'>, delivery: Delivery): Promise<void> {
  const [row] = await tx.query<{ delivery: Delivery }>(lockScheme, [programme, scheme]);
  if (!row || row.delivery === delivery) return;
  const [open] = await tx.query<{ count: number }>(countOpen, [programme, scheme]);
  if (open && open.count > 0)
    throw problem(
      409,
      'conversions-at-scheme',
      `conversions on their way to the scheme by ${row.delivery}: ${open.count}; the delivery can change once they have ended`,
      { delivery: row.delivery, conversions: open.count },
    );
}

interface SchemeRow {
  readonly name: string;
  readonly delivery: Delivery;
  readonly endpoint: string | null;
  readonly has_secret: boolean;
  readonly cut_off_hour: number | null;
  readonly give_back_after_days: number;
  readonly clients: readonly string[];
}

const selectScheme = `
  select name, delivery, endpoint, secret is not null as has_secret, cut_off_hour, give_back_after_days, clients
  from scheme where programme = $1 and scheme = $2`;

/** Not `for update`: the file of a day refers to the row while it is made. */
const lockScheme = 'select delivery from scheme where programme = $1 and scheme = $2 for no key update';

const countOpen = `
  select count(*)::int as count from conversion where programme = $1 and scheme = $2 and state in ('requested', 'at-scheme')`;

const insertScheme = `
  insert into scheme (tenant, programme, scheme, name, delivery, endpoint, secret, cut_off_hour, give_back_after_days, clients, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
  on conflict on constraint scheme_pk do nothing`;

/** Writes only what differs: an equal PUT leaves the row alone. A scheme that takes files keeps no secret. */
const updateScheme = `
  update scheme
  set name = $3, delivery = $4, endpoint = $5, secret = case when $4 = 'api' then coalesce($6, secret) end, cut_off_hour = $7,
      give_back_after_days = $8, clients = $9, updated_at = $10
  where programme = $1 and scheme = $2
    and (name, delivery, endpoint, secret, cut_off_hour, give_back_after_days, clients)
      is distinct from ($3, $4, $5, case when $4 = 'api' then coalesce($6, secret) end, $7::smallint, $8::smallint, $9::text[])`;
