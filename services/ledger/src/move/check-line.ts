import { isInstant, isLocalDate, isUuid } from '@points/kernel';
import { columns, format, tableOf, type Kind, type Line } from './lines.js';

/** What is wrong with a line of a file, field by field. */
export interface LineError {
  readonly line: number;
  readonly field: string;
  readonly reason: string;
}

/** Reads one line; the errors say what somebody would have to change. */
export function checkLine(text: string, line: number): { readonly line: Line } | { readonly errors: readonly LineError[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { errors: [{ line, field: 'line', reason: 'is not JSON' }] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { errors: [{ line, field: 'line', reason: 'must be a JSON object' }] };
  const errors: LineError[] = [];
  checkObject(value as Fields, (field, reason) => {
    if (errors.length < errorsPerLineMax) errors.push({ line, field, reason });
  });
  // Every field was looked at by its kind.
  return errors.length === 0 ? { line: value as Line } : { errors };
}

type Fields = Readonly<Record<string, unknown>>;
type Wrong = (field: string, reason: string) => void;

function checkObject(value: Fields, wrong: Wrong): void {
  const { type } = value;
  switch (type) {
    case 'ledger':
      if (value['format'] !== format) wrong('format', `must be ${format}`);
      return unknown(value, ['type', 'format'], '', wrong);
    case 'end':
      return fields(value, { lines: 'integer' }, { prefix: '', more: ['type'] }, wrong);
    case 'stray':
      if (typeof value['table'] !== 'string' || !(value['table'] in tableOf)) wrong('table', 'must be the name of a table');
      return;
    case 'rule':
      fields(value, columns.rule, { prefix: '', more: ['type', 'seal'] }, wrong);
      return part(value['seal'], 'seal', { block: 'integer', leaf: 'integer', hash: 'hash' }, wrong);
    case 'transfer':
      fields(value, columns.transfer, { prefix: '', more: ['type', 'entries', 'draws', 'posting', 'seal'] }, wrong);
      parts(value['entries'], 'entries', { account: 'text', amount: 'points' }, wrong);
      parts(value['draws'], 'draws', { seq: 'integer', lot: 'uuid', amount: 'points' }, wrong);
      part(value['posting'], 'posting', columns.posting, wrong);
      return part(value['seal'], 'seal', { block: 'integer', leaf: 'integer', hash: 'hash', lotEnds: 'instants?' }, wrong);
    case 'programme':
    case 'periodClose':
    case 'freezeChange':
    case 'adjustment':
    case 'extensionOrder':
    case 'counter':
    case 'block':
    case 'account':
    case 'lot':
    case 'hold':
    case 'extension':
    case 'posting':
      return fields(value, columns[type], { prefix: '', more: ['type'] }, wrong);
    default:
      wrong('type', 'is not the type of a line');
  }
}

function fields(
  value: Fields,
  kinds: Readonly<Record<string, string>>,
  { prefix, more }: { prefix: string; more: readonly string[] },
  wrong: Wrong,
): void {
  for (const [field, kind] of Object.entries(kinds)) {
    const reason = field in value ? reasonAgainst(value[field], kind) : 'is missing';
    if (reason !== undefined) wrong(`${prefix}${field}`, reason);
  }
  unknown(value, [...Object.keys(kinds), ...more], prefix, wrong);
}

function unknown(value: Fields, known: readonly string[], prefix: string, wrong: Wrong): void {
  for (const field of Object.keys(value)) if (!known.includes(field)) wrong(`${prefix}${field}`, 'is not a field of this line');
}

function part(value: unknown, name: string, kinds: Readonly<Record<string, string>>, wrong: Wrong): void {
  if (value === null) return;
  if (typeof value !== 'object' || Array.isArray(value))
    return wrong(name, value === undefined ? 'is missing' : 'must be an object or null');
  fields(value as Fields, kinds, { prefix: `${name}.`, more: [] }, wrong);
}

function parts(value: unknown, name: string, kinds: Readonly<Record<string, string>>, wrong: Wrong): void {
  if (!Array.isArray(value)) return wrong(name, 'must be a list');
  (value as unknown[]).forEach((one, index) => part(one ?? undefined, `${name}.${index}`, kinds, wrong));
}

function reasonAgainst(value: unknown, kind: string): string | undefined {
  if (value === null) return kind.endsWith('?') ? undefined : 'must not be null';
  const plain = kind.replace('?', '') as Kind;
  return accepts[plain](value) ? undefined : says[plain];
}

const text = (check: (value: string) => boolean) => (value: unknown) => typeof value === 'string' && check(value);
const list = (check: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(check);
/** PostgreSQL cannot keep a zero character. */
const isText = text((value) => !value.includes('\0'));
/** Milliseconds, or microseconds where they are not zero. */
const isTime = text((value) => isReal(value) || (/\.\d{6}Z$/.test(value) && !value.endsWith('000Z') && isReal(`${value.slice(0, -4)}Z`)));
/** A day that does not exist, such as 30 February, would be read as another one. */
const isReal = (value: string) => isInstant(value) && new Date(value).toISOString() === value;

const accepts: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: isText,
  uuid: text(isUuid),
  points: Number.isSafeInteger,
  integer: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  instant: isTime,
  day: text(isLocalDate),
  flag: (value) => typeof value === 'boolean',
  json: (value) => typeof value === 'object',
  hash: text((value) => /^([0-9a-f]{64})+$/.test(value)),
  texts: list(isText),
  uuids: list(text(isUuid)),
  amounts: list(Number.isSafeInteger),
  instants: list((value) => value === null || isTime(value)),
};

const says: Readonly<Record<Kind, string>> = {
  text: 'must be text',
  uuid: 'must be a UUID in lower case',
  points: 'must be a whole number of points within ±9007199254740991',
  integer: 'must be a whole number below 2147483648',
  instant: 'must be a UTC time such as 2018-02-27T15:00:00.000Z',
  day: 'must be a day of the calendar such as 2018-02-28',
  flag: 'must be true or false',
  json: 'must be a JSON object',
  hash: 'must be SHA-256 in lower-case hex',
  texts: 'must be a list of texts',
  uuids: 'must be a list of UUIDs',
  amounts: 'must be a list of whole numbers',
  instants: 'must be a list of UTC times',
};

const errorsPerLineMax = 20;
