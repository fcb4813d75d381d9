import { checks, type Check, type CheckSettings } from './checks.js';
import { CheckFailed, Partner, type Target } from './partner.js';

export interface CheckResult {
  readonly name: string;
  readonly promise: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** What was wrong, or why it could not be tried. */
  readonly reason?: string;
  readonly ms: number;
}

export interface Report {
  readonly url: string;
  readonly startedAt: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly slowestAnswerMs: number;
  readonly checks: readonly CheckResult[];
}

/** One after the other: each begins with nothing reserved by the one before. */
export async function runChecks(target: Target, settings: CheckSettings, only: readonly string[] = []): Promise<Report> {
  const partner = new Partner(target);
  const startedAt = new Date().toISOString();
  const results: CheckResult[] = [];
  for (const check of checks) if (only.length === 0 || only.includes(check.name)) results.push(await runCheck(check, partner, settings));
  const count = (result: CheckResult['result']) => results.filter((one) => one.result === result).length;
  return {
    url: target.url,
    startedAt,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    slowestAnswerMs: Math.round(partner.slowestMs),
    checks: results,
  };
}

async function runCheck({ name, promise, run }: Check, partner: Partner, settings: CheckSettings): Promise<CheckResult> {
  const started = performance.now();
  const ended = (result: CheckResult['result'], reason?: string): CheckResult => ({
    ...{ name, promise, result },
    ...(reason !== undefined && { reason }),
    ms: Math.round(performance.now() - started),
  });
  try {
    const reason = await run(partner, settings);
    return reason === undefined ? ended('passed') : ended('skipped', reason);
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    return ended('failed', error.message);
  } finally {
    await partner.cleanUp();
  }
}

export function table(report: Report): string {
  const width = Math.max(...report.checks.map((one) => one.name.length));
  const mark = { passed: 'pass', failed: 'FAIL', skipped: 'skip' } as const;
  const lines = report.checks.flatMap(({ name, promise, result, reason }) => [
    `${mark[result]}  ${name.padEnd(width)}  ${promise}`,
    ...(reason === undefined ? [] : [`      ${' '.repeat(width)}  ${reason}`]),
  ]);
  const { passed, failed, skipped, slowestAnswerMs } = report;
  return [...lines, '', `${passed} passed, ${failed} failed, ${skipped} skipped; slowest answer ${slowestAnswerMs} ms`].join('\n');
}
