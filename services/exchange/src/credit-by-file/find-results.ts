import type { Tx } from '@points/database';
import { cursorOf, problem, readCursor, type CsvTable } from '@points/http';
import { instantOf } from '../clock.js';
import type { SchemeKey } from '../set-up-schemes/scheme.js';
import type { ContradictionView, ResultFilesView, ResultFileSumView, ResultFileView } from './result-shapes.js';

/** Newest first, without their contradictions. */
export async function listResults(tx: Tx, key: SchemeKey, page: { after?: string; limit: number }): Promise<ResultFilesView> {
  const [after] = readCursor(page.after, 'uuid');
  const rows = await tx.query<ResultRow<number>>(selectResults, [key.programme, key.scheme, after, page.limit + 1]);
  const resultFiles = rows.slice(0, page.limit).map(viewOf);
  const last = resultFiles.at(-1);
  return { resultFiles, ...(rows.length > page.limit && last && { next: cursorOf(last.resultFile) }) };
}

export function resultsTable({ resultFiles }: ResultFilesView): CsvTable {
  const header = ['resultFile', 'client', 'receivedAt', 'sha256', 'lines', 'accepted', 'refused', 'unchanged', 'contradictions'] as const;
  return { header, rows: resultFiles.map((one: ResultFileSumView) => header.map((name) => one[name])) };
}

/** @throws Problem 404 */
export async function readResult(tx: Tx, key: SchemeKey, resultFile: string): Promise<ResultFileView> {
  const [row] = await tx.query<ResultRow<readonly ContradictionView[]>>(selectResult, [key.programme, key.scheme, resultFile]);
  if (!row) throw problem(404, 'unknown-result-file', 'the scheme has sent no such results file');
  return viewOf(row);
}

export function contradictionsTable({ contradictions }: ResultFileView): CsvTable {
  const header = ['line', 'creditId', 'result', 'code', 'reason'] as const;
  return { header, rows: contradictions.map((one) => header.map((name) => one[name])) };
}

interface ResultRow<Contradictions> {
  readonly id: string;
  readonly client: string;
  readonly received_at: Date;
  readonly sha256: Buffer;
  readonly lines: number;
  readonly accepted: number;
  readonly refused: number;
  readonly unchanged: number;
  readonly contradictions: Contradictions;
}

function viewOf<Contradictions>({ id, received_at: receivedAt, sha256, ...row }: ResultRow<Contradictions>) {
  return { resultFile: id, receivedAt: instantOf(receivedAt), sha256: sha256.toString('hex'), ...row };
}

const columns = 'id, client, received_at, sha256, lines, accepted, refused, unchanged';

const selectResults = {
  name: 'scheme_results',
  text: `
    select ${columns}, jsonb_array_length(contradictions) as contradictions from scheme_result
    where programme = $1 and scheme = $2 and ($3::uuid is null or id < $3) order by id desc limit $4`,
};

const selectResult = `select ${columns}, contradictions from scheme_result where programme = $1 and scheme = $2 and id = $3`;
