import { problem } from '@points/http';
import { unreachable, type LocalDate } from '@points/kernel';
import type { Expiry, RefundOfExpired, Rules } from '../rules/programme.js';
import type { ExpiryBody, RulesBody } from './programme-bodies.js';

/** Exactly the fields that a kind of rule needs, and defaults for what is not told. @throws Problem 422 `invalid-request` */
export function rulesOfBody({
  expiry,
  usableAt,
  refundOfExpired,
  refundedLotDays,
  priority = 0,
  transferAllowed = false,
}: RulesBody): Rules {
  return {
    expiry: expiryOf(expiry),
    usableAt: [...new Set(usableAt)].sort(),
    refundOfExpired: refundOf(refundOfExpired, refundedLotDays),
    priority,
    transferAllowed,
  };
}

export function bodyOfRules({ expiry, usableAt, refundOfExpired, priority, transferAllowed }: Rules): RulesBody {
  return {
    expiry,
    usableAt: [...usableAt],
    refundOfExpired: refundOfExpired.kind,
    ...(refundOfExpired.kind === 'new-lot' && { refundedLotDays: refundOfExpired.days }),
    priority,
    transferAllowed,
  };
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
