import { isMyKeyId, parseInstant } from '@points/kernel';
import { quoted, type BadRow } from './bad-row.js';
import type { CsvLine } from './csv-table.js';
import { files, type TrialConversion, type TrialExchange, type TrialPartner } from './trial.js';

export type Parsed<T> = { readonly row: T } | { readonly bad: BadRow };

const { exchange, conversion, partner } = files;

export const exchangeColumns = Object.values(exchange.columns);
export function parseExchange({ line, values }: CsvLine<(typeof exchangeColumns)[number]>): Parsed<TrialExchange> {
  const fields = new Fields();
  const row: TrialExchange = {
    kind: 'exchange',
    line,
    id: fields.read('order_id', values.order_id, identifier),
    myKeyId: fields.read('my_key_id', values.my_key_id, myKeyId),
    partner: fields.read('partner', values.partner, identifier),
    partnerPoints: fields.read('partner_points', values.partner_points, positive),
    municipalPoints: fields.read('municipal_points', values.municipal_points, positive),
    at: fields.read('accepted_at', values.accepted_at, parseInstant),
  };
  return fields.parsed(exchange.file, line, row);
}

export const conversionColumns = Object.values(conversion.columns);
export function parseConversion({ line, values }: CsvLine<(typeof conversionColumns)[number]>): Parsed<TrialConversion> {
  const fields = new Fields();
  const row: TrialConversion = {
    kind: 'conversion',
    line,
    id: fields.read('conversion_id', values.conversion_id, identifier),
    myKeyId: fields.read('my_key_id', values.my_key_id, myKeyId),
    points: fields.read('points', values.points, positive),
    at: fields.read('converted_at', values.converted_at, parseInstant),
  };
  return fields.parsed(conversion.file, line, row);
}

export const partnerColumns = Object.values(partner.columns);
export function parsePartner({ line, values }: CsvLine<(typeof partnerColumns)[number]>): Parsed<TrialPartner> {
  const fields = new Fields();
  const row: TrialPartner = {
    line,
    partner: fields.read('partner', values.partner, identifier),
    rate: {
      numerator: fields.read('rate_numerator', values.rate_numerator, ratePart),
      denominator: fields.read('rate_denominator', values.rate_denominator, ratePart),
    },
    lotPartnerPoints: fields.read('lot_partner_points', values.lot_partner_points, positive),
  };
  return fields.parsed(partner.file, line, row);
}

/** Reads the cells of one line and keeps what is wrong with them: a person who mends a row wants to hear all of it at once. */
class Fields {
  private readonly wrong: { field: string; reason: string }[] = [];

  /** A wrong cell gives no value; `parsed` then gives the bad row instead of the row that lacks it. */
  read<T>(field: string, text: string, parse: (text: string) => T): T {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.wrong.push({ field, reason: text === '' ? 'is empty' : `${quoted(text)}: ${error.message}` });
      return undefined as T;
    }
  }

  parsed<T>(file: string, line: number, row: T): Parsed<T> {
    const [first, ...more] = this.wrong;
    if (!first) return { row };
    return {
      bad: { file, line, field: first.field, reason: [first.reason, ...more.map((one) => `${one.field} ${one.reason}`)].join('; ') },
    };
  }
}

/** The cloud has a stricter form of its own; this much is needed to send and to report an id. */
function identifier(text: string): string {
  if (text === '' || text.length > idCharsMax || /\p{Cc}/u.test(text))
    throw new RangeError(`an id has 1 to ${idCharsMax} printable characters`);
  return text;
}

const idCharsMax = 200;

function myKeyId(text: string): string {
  if (!isMyKeyId(text)) throw new RangeError('a My Key ID has eight letters or digits');
  return text;
}

function positive(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new RangeError('must be a whole number, written with the digits 0 to 9 only');
  const value = Number(text);
  if (value < 1) throw new RangeError('must be 1 or more');
  if (!Number.isSafeInteger(value)) throw new RangeError('must be at most 9007199254740991');
  return value;
}

function ratePart(text: string): number {
  const value = positive(text);
  if (value > ratePartMax) throw new RangeError(`must be at most ${ratePartMax}`);
  return value;
}

/** The bound of a ratio in the cloud (kernel's `ratio`). */
const ratePartMax = 1_000_000_000;
