import { problem } from '../problem.js';
import { isInstant, isLocalDate, isUuid } from '@points/kernel';

/** Where a page ends: the key of its last line, in a form that nobody is tempted to take apart. */
export function cursorOf(...key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

const kinds = {
  instant: (value: unknown) => typeof value === 'string' && isInstant(value),
  uuid: (value: unknown) => typeof value === 'string' && isUuid(value),
  day: (value: unknown) => typeof value === 'string' && isLocalDate(value),
  account: (value: unknown) => typeof value === 'string' && value.length <= 200,
  number: (value: unknown) => Number.isSafeInteger(value),
};

/** The parts of a cursor, or nulls without one. @throws Problem 422 `invalid-request` */
export function readCursor(text: string | undefined, ...shape: readonly (keyof typeof kinds)[]): (string | number | null)[] {
  if (text === undefined) return shape.map(() => null);
  const key = parsed(text);
  if (Array.isArray(key) && key.length === shape.length && shape.every((kind, index) => kinds[kind](key[index])))
    // Each part was checked, line before.
    return key as (string | number)[];
  throw problem(422, 'invalid-request', 'the query is wrong: after is no cursor of this list', {
    errors: [{ field: 'after', reason: 'is no cursor of this list' }],
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** As the texts of a cursor and of an answer are written. */
export const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
