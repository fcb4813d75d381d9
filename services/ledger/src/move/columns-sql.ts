import { columns, type Kind, type RowName } from './lines.js';

/** A row as JSON; `alias` is the table in the statement. */
export function jsonOf(name: RowName, alias: string, only?: readonly string[]): string {
  return `(select row_to_json(r) from (select ${fieldsOf(name, alias, only)}) as r)`;
}

/** The columns under the names that they have in a line. */
export function fieldsOf(name: RowName, alias: string, only?: readonly string[]): string {
  return Object.entries(columns[name])
    .filter(([field]) => only === undefined || only.includes(field))
    .map(([field, kind]) => `${outOf(`${alias}.${columnOf(field)}`, plain(kind))} as "${field}"`)
    .join(', ');
}

/** Columns and the JSON record that `json_to_recordset` reads them from, to write rows of lines. */
export function insertOf(name: RowName): { columns: string; values: string; record: string } {
  const fields = Object.entries(columns[name]).filter(([field]) => !(name === 'programme' && field === 'programme'));
  return {
    columns: fields.map(([field]) => columnOf(field)).join(', '),
    values: fields.map(([field, kind]) => (plain(kind) === 'hash' ? `decode("${field}", 'hex')` : `"${field}"`)).join(', '),
    record: fields.map(([field, kind]) => `"${field}" ${typeOf[plain(kind)]}`).join(', '),
  };
}

export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Milliseconds as everywhere, and microseconds where there are any, so that no change is too small to be seen. */
export function instantText(expression: string): string {
  return `coalesce(replace(to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '000Z', 'Z'), (${expression})::text)`;
}

function outOf(expression: string, kind: Kind): string {
  switch (kind) {
    case 'instant':
      return instantText(expression);
    case 'instants':
      return `(select array_agg(${instantText('i')} order by n) from unnest(${expression}) with ordinality as u (i, n))`;
    case 'day':
      return `${expression}::text`;
    case 'hash':
      return `encode(${expression}, 'hex')`;
    default:
      return expression;
  }
}

function plain(kind: string): Kind {
  // The lists are made of kinds and kinds with a mark of interrogation.
  return kind.replace('?', '') as Kind;
}

const typeOf: Readonly<Record<Kind, string>> = {
  text: 'text',
  uuid: 'uuid',
  points: 'bigint',
  integer: 'integer',
  instant: 'timestamptz',
  day: 'date',
  flag: 'boolean',
  json: 'json',
  hash: 'text',
  texts: 'text[]',
  uuids: 'uuid[]',
  amounts: 'bigint[]',
  instants: 'timestamptz[]',
};
