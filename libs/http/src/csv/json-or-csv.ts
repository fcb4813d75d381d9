import { problem } from '../problem.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { csvOf, type CsvTable } from './csv-table.js';

export type Format = 'json' | 'csv';

/** One HTTP request and its reply: all that is needed to answer in the format that was asked for. */
export interface Wire {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** `?format=` decides; without it, an Accept header that names text/csv. */
export function formatOf({ request }: Wire, format?: Format): Format {
  return format ?? (/(^|[\s,])text\/csv([\s,;]|$)/i.test(request.headers.accept ?? '') ? 'csv' : 'json');
}

/** The answer itself, or its table as text/csv. Of a page of lines, the next page is named in the header Link (RFC 8288). */
export function jsonOrCsv<T extends object>(wire: Wire, format: Format, answer: T, table: (answer: T) => CsvTable): T | string {
  const { request, reply } = wire;
  void reply.header('vary', 'accept');
  if (format === 'json') return answer;
  const next = 'next' in answer && typeof answer.next === 'string' ? answer.next : null;
  if (next !== null) {
    const url = new URL(request.url, 'http://localhost');
    url.searchParams.set('after', next);
    void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
  }
  void reply.header('content-type', 'text/csv; charset=utf-8');
  return csvOf(table(answer));
}

/** Lines on a page: a screen of JSON, a sheet of CSV. */
export const pageLinesMax = { json: 200, csv: 10_000 } as const;
const pageLinesUnlessTold = { json: 50, csv: 10_000 } as const;

/** @throws Problem 422 `invalid-request` */
export function pageLimit(limit: number | undefined, format: Format): number {
  if (limit === undefined) return pageLinesUnlessTold[format];
  if (limit <= pageLinesMax[format]) return limit;
  const reason = `must be at most ${pageLinesMax[format]} for ${format}`;
  throw problem(422, 'invalid-request', `the query is wrong: limit ${reason}`, { errors: [{ field: 'limit', reason }] });
}
