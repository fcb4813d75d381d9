import { unreachable } from '@points/kernel';

export const screeningMeasures = ['orders', 'points', 'holders'] as const;
/** orders: how many. points: municipal points of them. holders: how many different people. */
export type ScreeningMeasure = (typeof screeningMeasures)[number];

export const screeningSubjects = ['holder', 'partner', 'address', 'device'] as const;
/** Whose orders are counted. Address and device are the pseudonyms that an order's `origin` gives; without one the rule does not apply. */
export type ScreeningSubject = (typeof screeningSubjects)[number];

export const screeningActions = ['alert', 'review', 'refuse'] as const;
/** alert: the order goes on and somebody is told. review: it waits for a person. refuse: nothing is stored of it. */
export type ScreeningAction = (typeof screeningActions)[number];

/** A pattern of fraud as data: more than `limit` within the window that ends with the order, the order itself included. */
export interface ScreeningRule {
  readonly rule: string;
  readonly measure: ScreeningMeasure;
  readonly by: ScreeningSubject;
  readonly windowMinutes: number;
  readonly limit: number;
  readonly action: ScreeningAction;
  /** Empty: every partner. */
  readonly partners: readonly string[];
}

export interface ScreenedOrder {
  readonly partner: string;
  readonly holder: string;
  readonly address?: string;
  readonly device?: string;
  readonly municipalPoints: number;
}

/** The orders of one subject within a window. */
export interface Seen {
  readonly orders: number;
  readonly points: number;
  readonly holders: ReadonlySet<string>;
}

export interface Hit {
  readonly rule: string;
  readonly action: ScreeningAction;
  readonly measure: ScreeningMeasure;
  readonly by: ScreeningSubject;
  readonly value: number;
  readonly limit: number;
}

/** Whose orders the rule counts for this order; undefined when the rule does not concern it. */
export function subjectOf(rule: ScreeningRule, order: ScreenedOrder): string | undefined {
  if (rule.partners.length > 0 && !rule.partners.includes(order.partner)) return undefined;
  return order[rule.by];
}

/** The rules that an order breaks. `seenOf` is what was there before it, by a rule's subject and window. */
export function screen(
  rules: readonly ScreeningRule[],
  order: ScreenedOrder,
  seenOf: (rule: ScreeningRule, subject: string) => Seen,
): Hit[] {
  return rules.flatMap((rule) => {
    const subject = subjectOf(rule, order);
    if (subject === undefined) return [];
    const value = valueOf(rule.measure, withOrder(seenOf(rule, subject), order));
    const { action, measure, by, limit } = rule;
    return value > limit ? [{ rule: rule.rule, action, measure, by, value, limit }] : [];
  });
}

export function withOrder(seen: Seen, { holder, municipalPoints }: Pick<ScreenedOrder, 'holder' | 'municipalPoints'>): Seen {
  return { orders: seen.orders + 1, points: seen.points + municipalPoints, holders: new Set([...seen.holders, holder]) };
}

/** The hardest of the hits' actions; undefined when there are none. */
export function hardestAction(hits: readonly Hit[]): ScreeningAction | undefined {
  return screeningActions.findLast((action) => hits.some((one) => one.action === action));
}

function valueOf(measure: ScreeningMeasure, seen: Seen): number {
  switch (measure) {
    case 'orders':
      return seen.orders;
    case 'points':
      return seen.points;
    case 'holders':
      return seen.holders.size;
    default:
      return unreachable(measure);
  }
}
