import { randomUUID } from 'node:crypto';
import { endOfDayJst } from '@points/kernel';
import { expectSuccess, type CloudClient } from '../cloud/cloud-client.js';
import { CloudError } from '../cloud/cloud-error.js';
import { isRecord } from '../trial/json-document.js';
import type { TrialProgramme } from '../trial/trial.js';
import { programmePath } from './set-up-trial.js';

/** The shape of a trial's expected.json, with its fields in that order. */
export interface TrialReport {
  readonly municipality_code: string;
  readonly program: string;
  readonly period: readonly string[];
  readonly validity_days: number;
  readonly issued: Tally;
  readonly converted: Tally;
  readonly expired: Tally;
  readonly outstanding: { readonly points: number };
}

interface Tally {
  readonly count: number;
  readonly persons: number;
  readonly points: number;
}

/** Has the ledger expire what lapsed in the period, and reads its report as of the period's end: 00:00 of the day after the last. */
export async function readReport(client: CloudClient, programme: TrialProgramme): Promise<TrialReport> {
  const end = endOfDayJst(programme.lastDay);
  // A new key each time: rows that came later than an earlier run must be looked at too. A lot that has expired expires no more.
  expectSuccess(
    await client.post('ledger', `${programmePath(programme)}/expiry-runs`, { until: end }, `replay:expiry:${randomUUID()}`),
    'The expiry run',
  );
  const report = expectSuccess(
    await client.get('ledger', `${programmePath(programme)}/report?at=${encodeURIComponent(end)}`),
    'The report',
  );
  return {
    municipality_code: text(report, 'municipality_code'),
    program: text(report, 'program'),
    period: days(report, 'period'),
    validity_days: whole(report, 'validity_days'),
    issued: tally(report, 'issued'),
    converted: tally(report, 'converted'),
    expired: tally(report, 'expired'),
    outstanding: { points: whole(record(report, 'outstanding'), 'points') },
  };
}

function tally(report: Readonly<Record<string, unknown>>, name: string): Tally {
  const part = record(report, name);
  return { count: whole(part, 'count'), persons: whole(part, 'persons'), points: whole(part, 'points') };
}

function record(from: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const value = from[name];
  if (!isRecord(value)) throw misfit(`field ${name}`);
  return value;
}

function text(from: Readonly<Record<string, unknown>>, name: string): string {
  const value = from[name];
  if (typeof value !== 'string') throw misfit(`text ${name}`);
  return value;
}

function days(from: Readonly<Record<string, unknown>>, name: string): string[] {
  const value = from[name];
  if (!Array.isArray(value) || !value.every((day) => typeof day === 'string')) throw misfit(`list of days ${name}`);
  return value;
}

function whole(from: Readonly<Record<string, unknown>>, name: string): number {
  const value = from[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw misfit(`whole number ${name}`);
  return value;
}

function misfit(what: string): CloudError {
  return new CloudError(`The ledger's report has no ${what}: this replay does not fit the version of the cloud.`);
}
