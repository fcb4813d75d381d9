import { isInstant, type Instant } from '@points/kernel';
import type { Statement } from '@points/database';
import pg, { type CustomTypesConfig, type PoolClient, type QueryArrayResult } from 'pg';

/** Sends a statement down an open transaction; rows come as arrays, everything but booleans and small numbers as text. */
export type Send = (statement: Statement, values: readonly unknown[]) => Promise<QueryArrayResult<unknown[]>>;

export function sender(client: PoolClient): Send {
  return ({ name, text }, values) => client.query<unknown[]>({ name, text, values: [...values], rowMode: 'array', types: instantsAsText });
}

/**
 * The literal of an array parameter. pg would make the same text, at three times the time: it looks at the type of every element.
 * Strings are quoted, numbers and booleans are not, and null is NULL.
 */
export function array<T>(items: readonly T[], value: (item: T) => string | number | boolean | null | undefined): string {
  let literal = '{';
  for (let index = 0; index < items.length; index++) {
    if (index > 0) literal += ',';
    // The index is below the length.
    const one = value(items[index] as T);
    if (one === null || one === undefined) literal += 'NULL';
    else if (typeof one === 'string') literal += quoted(one);
    else literal += String(one);
  }
  return `${literal}}`;
}

function quoted(text: string): string {
  return special.test(text) ? `"${text.replace(/[\\"]/g, '\\$&')}"` : `"${text}"`;
}

const special = /[\\"]/;

/** Times are left as PostgreSQL writes them, because making a Date of each costs more than the rest of its row. */
export const instantsAsText: CustomTypesConfig = {
  getTypeParser: (oid, format) => (Number(oid) === timestamptzOid ? asIs : (pg.types.getTypeParser(oid, format) as TypeParser)),
};

type TypeParser = (value: string) => unknown;

function asIs(value: string): string {
  return value;
}

const timestamptzOid = 1184;

/** `2018-02-28 00:00:00+00` or with any other offset, as the session's time zone writes it. */
export function instantOf(value: unknown): Instant {
  if (typeof value !== 'string') throw new Error('assertion failed: a time comes as text');
  if (value.endsWith('+00') && value.length <= 26) {
    const fraction = value.slice(20, -3);
    // Checked by its length: 19 characters of date and time, up to three digits of a fraction, the offset.
    return `${value.slice(0, 10)}T${value.slice(11, 19)}.${fraction.padEnd(3, '0')}Z` as Instant;
  }
  const text = new Date(value.replace(' ', 'T').replace(/([+-]\d{2})$/, '$1:00')).toISOString();
  if (!isInstant(text)) throw new Error('assertion failed: a time of the database can be read');
  return text;
}
