import type { Tx } from '@points/database';
import { cursorOf, Problem, problem, readCursor, type Cause, type CsvTable } from '@points/http';
import { parsePoints, type Instant, type LocalDate } from '@points/kernel';
import { instantOf } from '../clock.js';
import { cutOffOf } from '../rules/scheme-delivery.js';
import { findScheme, type SchemeKey, type SchemeView } from '../set-up-schemes/scheme.js';
import type { CreditCountView, SchemeFileStandView, SchemeFilesView, SchemeFileView } from './file-shapes.js';

export interface FileKey extends SchemeKey {
  readonly day: LocalDate;
}

/** The scheme's own system, and the staff that sets schemes up. @throws Problem */
export async function requireSchemeClient(tx: Tx, key: SchemeKey, cause: Cause): Promise<SchemeView> {
  const scheme = await findScheme(tx, key);
  if (!scheme) throw problem(404, 'unknown-scheme', 'the programme has no such card scheme');
  if (!cause.scopes.has('schemes:write') && !scheme.clients.includes(cause.client))
    throw problem(403, 'client-not-of-scheme', 'this client may not act for this card scheme', { scheme: key.scheme });
  return scheme;
}

/** Newest first. */
export async function listFiles(tx: Tx, key: SchemeKey, page: { after?: string; limit: number }): Promise<SchemeFilesView> {
  const [after] = readCursor(page.after, 'day');
  const rows = await tx.query<FileRow>(selectFiles, [key.programme, key.scheme, after, page.limit + 1]);
  const files = rows.slice(0, page.limit).map(viewOf);
  const last = files.at(-1);
  return { files, ...(rows.length > page.limit && last && { next: cursorOf(last.day) }) };
}

export function filesTable({ files }: SchemeFilesView): CsvTable {
  return {
    header: ['day', 'cutOffAt', 'madeAt', 'lines', 'points', 'sha256'],
    rows: files.map((one) => [one.day, one.cutOffAt, one.madeAt, one.lines, one.points, one.sha256]),
  };
}

/** A file with what has become of its lines. @throws Problem */
export async function readFile(tx: Tx, scheme: SchemeView, key: FileKey, now: Instant): Promise<SchemeFileStandView> {
  const [row] = await tx.query<FileRow>(selectFile, [key.programme, key.scheme, key.day]);
  if (!row) throw await notThere(tx, scheme, key, now);
  const counts = await tx.query<CountRow>(countLines, [key.programme, key.scheme, key.day]);
  const count = (end: CountRow['end_of_line']): CreditCountView => {
    const found = counts.find((one) => one.end_of_line === end);
    return { lines: found?.lines ?? 0, points: parsePoints(found?.points ?? '0') };
  };
  return { ...viewOf(row), open: count('open'), accepted: count('accepted'), refused: count('refused'), givenBack: count('given-back') };
}

/** The bytes as they were made. @throws Problem */
export async function readContent(
  tx: Tx,
  scheme: SchemeView,
  key: FileKey,
  now: Instant,
): Promise<{ readonly content: Buffer; readonly sha256: Buffer }> {
  const [row] = await tx.query<{ content: Buffer; sha256: Buffer }>(selectContent, [key.programme, key.scheme, key.day]);
  if (!row) throw await notThere(tx, scheme, key, now);
  return row;
}

async function notThere(tx: Tx, { cutOffHour: hour }: SchemeView, { programme, scheme, day }: FileKey, now: Instant): Promise<Problem> {
  if (hour === undefined) return problem(404, 'unknown-file', 'the scheme has no file of this day: it is asked by its API', { day });
  const [plan] = await tx.query<{ next_day: LocalDate }>(selectPlan, [programme, scheme]);
  if (!plan || day < plan.next_day) return problem(404, 'unknown-file', 'the scheme has no file of this day: it took none then', { day });
  const cutOffAt = cutOffOf(day, hour);
  if (now < cutOffAt)
    return problem(409, 'before-cut-off', `the file of ${day} is open until ${cutOffAt}; ask a minute after it`, { day, cutOffAt });
  const headers = { 'retry-after': String(retrySeconds) };
  return new Problem(409, 'file-not-made', `the file of ${day} is being made; ask again in a minute`, { day, cutOffAt }, headers);
}

const retrySeconds = 60;

interface FileRow {
  readonly day: LocalDate;
  readonly cut_off: Date;
  readonly made_at: Date;
  readonly lines: number;
  readonly points: string;
  readonly sha256: Buffer;
}

interface CountRow {
  readonly end_of_line: 'open' | 'accepted' | 'refused' | 'given-back';
  readonly lines: number;
  readonly points: string;
}

function viewOf(row: FileRow): SchemeFileView {
  return {
    day: row.day,
    cutOffAt: instantOf(row.cut_off),
    madeAt: instantOf(row.made_at),
    lines: row.lines,
    points: parsePoints(row.points),
    sha256: row.sha256.toString('hex'),
  };
}

const fileColumns = 'day::text as day, cut_off, made_at, lines, points, sha256';

const selectFiles = {
  name: 'scheme_files',
  text: `
    select ${fileColumns} from scheme_file
    where programme = $1 and scheme = $2 and ($3::date is null or scheme_file.day < $3::date) order by scheme_file.day desc limit $4`,
};

const selectFile = `select ${fileColumns} from scheme_file where programme = $1 and scheme = $2 and scheme_file.day = $3`;
const selectContent = 'select content, sha256 from scheme_file where programme = $1 and scheme = $2 and day = $3';
const selectPlan = 'select next_day::text as next_day from scheme_file_plan where programme = $1 and scheme = $2';

const countLines = `
  select case when state = 'at-scheme' then 'open' when receipt is not null then 'accepted'
              when refusal ->> 'code' = 'scheme-unanswered' then 'given-back' else 'refused' end as end_of_line,
         count(*)::int as lines, sum(points)::text as points
  from conversion where programme = $1 and scheme = $2 and file_day = $3 group by 1`;
