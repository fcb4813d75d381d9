import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BadRow } from './bad-row.js';
import { readCsvTable, type CsvLine } from './csv-table.js';
import { readJson } from './json-document.js';
import { parseProgramme } from './parse-programme.js';
import {
  conversionColumns,
  exchangeColumns,
  parseConversion,
  parseExchange,
  parsePartner,
  partnerColumns,
  type Parsed,
} from './parse-rows.js';
import { inTimeOrder } from './time-order.js';
import { files, type Trial, type TrialPartner } from './trial.js';

export interface TrialFolder {
  /** Absent when the folder cannot be replayed at all: a file is missing, programme.json is wrong, a header lacks a column. */
  readonly trial?: Trial;
  readonly badRows: readonly BadRow[];
  /** Things that are worth a line and are no mistake. */
  readonly notes: readonly string[];
}

/** Reads and checks what can be known without the cloud; all that needs its books is the cloud's to refuse. */
export async function readTrial(directory: string, options: { readonly programmeId?: string } = {}): Promise<TrialFolder> {
  const badRows: BadRow[] = [];
  const notes: string[] = [];
  let isBroken = false;
  const broken = (file: string, line: number, field: string, reason: string) => {
    isBroken = true;
    badRows.push({ file, line, field, reason });
  };

  const bytesOf = async (file: string, isOptional = false): Promise<Uint8Array | undefined> => {
    try {
      return await readFile(join(directory, file));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      if (!(isOptional && code === 'ENOENT'))
        broken(file, 0, 'file', code === 'ENOENT' ? 'is missing in the trial folder' : `cannot be read (${code})`);
      return undefined;
    }
  };
  const jsonOf = async (file: string, isOptional = false) => {
    const bytes = await bytesOf(file, isOptional);
    const read = bytes && readJson(bytes);
    if (read && 'reason' in read) broken(file, read.line, 'line', read.reason);
    return read && 'document' in read ? read.document : undefined;
  };
  const rowsOf = async <Column extends string, T>(
    file: string,
    columns: readonly Column[],
    parse: (line: CsvLine<Column>) => Parsed<T>,
  ): Promise<T[]> => {
    const bytes = await bytesOf(file);
    if (!bytes) return [];
    const table = readCsvTable(file, bytes, columns);
    isBroken ||= table.broken;
    badRows.push(...table.badRows);
    if (table.unknownColumns.length)
      notes.push(`${file}: the column ${table.unknownColumns.join(', ')} is not part of the format and is read over`);
    return table.lines.flatMap((line) => {
      const parsed = parse(line);
      if ('row' in parsed) return [parsed.row];
      badRows.push(parsed.bad);
      return [];
    });
  };

  const document = await jsonOf('programme.json');
  const parsed = document && parseProgramme(document, options.programmeId);
  if (parsed && 'badRows' in parsed) {
    isBroken = true;
    badRows.push(...parsed.badRows);
  }
  const partners = onePerName(await rowsOf(files.partner.file, partnerColumns, parsePartner), badRows);
  const exchanges = await rowsOf(files.exchange.file, exchangeColumns, parseExchange);
  const conversions = await rowsOf(files.conversion.file, conversionColumns, parseConversion);
  const expected = await jsonOf('expected.json', true);

  if (isBroken || !parsed || !('programme' in parsed)) return { badRows, notes };
  const rows = inTimeOrder([...exchanges, ...conversions]);
  return { trial: { programme: parsed.programme, partners, rows, ...(expected && { expected: expected.value }) }, badRows, notes };
}

/** A partner has one rate. The same line again says nothing new; another one would leave the choice to chance. */
function onePerName(partners: readonly TrialPartner[], badRows: BadRow[]): TrialPartner[] {
  const known = new Map<string, TrialPartner>();
  for (const one of partners) {
    const first = known.get(one.partner);
    if (!first) known.set(one.partner, one);
    else if (contentOf(first) !== contentOf(one))
      badRows.push({
        file: files.partner.file,
        line: one.line,
        field: 'partner',
        reason: `"${one.partner}" stands with another rate or lot in line ${first.line}, which holds`,
      });
  }
  return [...known.values()];
}

function contentOf({ rate, lotPartnerPoints }: TrialPartner): string {
  return `${rate.numerator}/${rate.denominator} ${lotPartnerPoints}`;
}
