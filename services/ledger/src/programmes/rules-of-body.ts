import { problem } from '@points/http';
import { points, unreachable, type Expiry, type LocalDate } from '@points/kernel';
import type { GrantPeriod, Limit, UsePeriod } from '../rules/limits.js';
import type { RefundOfExpired, Rules } from '../rules/programme.js';
import type { ExpiryBody, LimitBody, RulesBody } from './programme-bodies.js';

/** Exactly the fields that a kind of rule needs, and defaults for what is not told. @throws Problem 422 `invalid-request` */
export function rulesOfBody({
  expiry,
  usableAt,
  refundOfExpired,
  refundedLotDays,
  priority = 0,
  transferAllowed = false,
  limits = [],
  adjustmentAlone,
  reverseOfSpent,
  reserve,
}: RulesBody): Rules {
  return {
    expiry: expiryOf(expiry),
    usableAt: [...new Set(usableAt)].sort(),
    refundOfExpired: refundOf(refundOfExpired, refundedLotDays),
    priority,
    transferAllowed,
    ...(limits.length > 0 && { limits: limits.map(limitOf) }),
    ...(adjustmentAlone !== undefined && { adjustmentAlone: points(adjustmentAlone) }),
    ...(reverseOfSpent !== undefined && { reverseOfSpent }),
    ...(reserve && { reserve }),
  };
}

export function bodyOfRules({
  expiry,
  usableAt,
  refundOfExpired,
  priority,
  transferAllowed,
  limits,
  adjustmentAlone,
  reverseOfSpent,
  reserve,
}: Rules): RulesBody {
  return {
    expiry,
    usableAt: [...usableAt],
    refundOfExpired: refundOfExpired.kind,
    ...(refundOfExpired.kind === 'new-lot' && { refundedLotDays: refundOfExpired.days }),
    priority,
    transferAllowed,
    ...(limits && { limits: [...limits] }),
    ...(adjustmentAlone !== undefined && { adjustmentAlone }),
    ...(reverseOfSpent !== undefined && { reverseOfSpent }),
    ...(reserve && { reserve }),
  };
}

function limitOf({ kind, per, points: sum, times, source }: LimitBody, index: number): Limit {
  const field = (name: string) => `rules.limits.${index}.${name}`;
  const given = { per, points: sum, times, source };
  const allowed = {
    granted: ['per', 'points', 'source'],
    budget: ['per', 'points', 'source'],
    balance: ['points'],
    uses: ['per', 'points', 'times'],
  }[kind];
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && !allowed.includes(name)) throw invalid(field(name), `does not belong to the kind ${kind}`);
  const needed = (): ReturnType<typeof points> => {
    if (sum === undefined) throw invalid(field('points'), 'is missing');
    return points(sum);
  };
  switch (kind) {
    case 'balance':
      return { kind, points: needed() };
    case 'granted':
    case 'budget':
      if (!isGrantPeriod(per)) throw invalid(field('per'), `is one of ${grantPeriods.join(', ')}`);
      return { kind, per, points: needed(), ...(source !== undefined && { source }) };
    case 'uses':
      if (!isUsePeriod(per)) throw invalid(field('per'), `is one of ${usePeriods.join(', ')}`);
      if (sum === undefined && times === undefined) throw invalid(field('times'), 'or points are missing');
      return { kind, per, ...(times !== undefined && { times }), ...(sum !== undefined && { points: points(sum) }) };
    default:
      return unreachable(kind);
  }
}

const grantPeriods: readonly GrantPeriod[] = ['day', 'month', 'fiscal-year', 'lifetime'];
const usePeriods: readonly UsePeriod[] = ['minute', 'hour', 'day'];

function isGrantPeriod(per: string | undefined): per is GrantPeriod {
  return grantPeriods.some((one) => one === per);
}

function isUsePeriod(per: string | undefined): per is UsePeriod {
  return usePeriods.some((one) => one === per);
}

function expiryOf(body: ExpiryBody): Expiry {
  const { kind, ...given } = body;
  const needed = {
    'days-after-grant': 'days',
    'end-of-month': 'months',
    'months-after-last-use': 'months',
    'fiscal-year-end': 'years',
    'fixed-day': 'day',
    none: undefined,
  }[kind];
  const wrong = Object.keys(given).filter((field) => field !== needed && given[field as keyof typeof given] !== undefined);
  if (wrong.length > 0) throw invalid(`rules.expiry.${wrong[0]}`, `does not belong to the kind ${kind}`);
  const number = (value: number | undefined): number => {
    if (value === undefined) throw invalid(`rules.expiry.${needed}`, 'is missing');
    return value;
  };
  switch (kind) {
    case 'days-after-grant':
      return { kind, days: number(body.days) };
    case 'end-of-month':
      return { kind, months: number(body.months) };
    case 'months-after-last-use':
      if (body.months === 0) throw invalid('rules.expiry.months', 'must be at least 1');
      return { kind, months: number(body.months) };
    case 'fiscal-year-end':
      return { kind, years: number(body.years) };
    case 'fixed-day':
      if (body.day === undefined) throw invalid('rules.expiry.day', 'is missing');
      // Checked by the body's class.
      return { kind, day: body.day as LocalDate };
    case 'none':
      return { kind };
    default:
      return unreachable(kind);
  }
}

function refundOf(kind: RulesBody['refundOfExpired'] = 'restore-and-expire', days: number | undefined): RefundOfExpired {
  if (kind === 'new-lot') {
    if (days === undefined) throw invalid('rules.refundedLotDays', 'is missing');
    return { kind, days };
  }
  if (days !== undefined) throw invalid('rules.refundedLotDays', `does not belong to refundOfExpired ${kind}`);
  return { kind };
}

function invalid(field: string, reason: string) {
  return problem(422, 'invalid-request', `the body is wrong: ${field} ${reason}`, { errors: [{ field, reason }] });
}
