import type { LocalDate } from '@points/kernel';
import type { ConversionState } from './conversion-state.js';
import { differs } from './match-lines.js';

export const schemeResults = ['accepted', 'refused'] as const;

/** A line of the scheme's results file. */
export interface ListedResult {
  readonly line: number;
  readonly creditId: string;
  readonly result: (typeof schemeResults)[number];
  readonly points: number | null;
  readonly receipt: string | null;
  readonly reason: string | null;
}

/** The conversion with its id, as it stands. */
export interface KnownCredit {
  readonly state: ConversionState;
  readonly points: number;
  /** Null until the scheme has accepted. */
  readonly receipt: string | null;
  /** Null until the scheme, or the end of its days, has refused. */
  readonly refusalCode: string | null;
  /** Null while it is in no file. */
  readonly fileDay: LocalDate | null;
}

export const contradictionCodes = [
  'unknown-credit',
  'not-sent',
  'points-differ',
  'lines-differ',
  'accepted-before',
  'receipt-differs',
  'refused-before',
  'given-back',
] as const;
export type ContradictionCode = (typeof contradictionCodes)[number];

export type ResultVerdict =
  | { readonly kind: 'accept' | 'refuse' }
  /** Known already, and so it is. */
  | { readonly kind: 'unchanged' }
  /** It cannot be believed: nothing is done, and people settle it. */
  | { readonly kind: 'contradiction'; readonly code: ContradictionCode; readonly reason: string };

export interface JudgedResult {
  readonly listed: ListedResult;
  readonly verdict: ResultVerdict;
}

/**
 * What each line of a results file does. One line does it for a credit, an equal line after it nothing more; where lines of one file
 * say different things of a credit, none of them does anything.
 */
export function judgeResults(lines: readonly ListedResult[], known: ReadonlyMap<string, KnownCredit>): JudgedResult[] {
  const groups = new Map<string, Group>();
  for (const one of lines) {
    const group = groups.get(one.creditId);
    if (!group) groups.set(one.creditId, { first: one });
    else if (!saysTheSame(one, group.first)) group.other ??= one;
  }
  return lines.map((listed) => {
    const { first = listed, other } = groups.get(listed.creditId) ?? {};
    if (other) {
      const against = saysTheSame(listed, first) ? other : first;
      return { listed, verdict: contradiction('lines-differ', `says something else than line ${against.line}`) };
    }
    const verdict = judge(listed, known.get(listed.creditId));
    const isRepeated = listed !== first && (verdict.kind === 'accept' || verdict.kind === 'refuse');
    return { listed, verdict: isRepeated ? { kind: 'unchanged' } : verdict };
  });
}

/** Lines of one credit. */
interface Group {
  readonly first: ListedResult;
  /** The first one that says something else. */
  other?: ListedResult;
}

function judge({ result, points, receipt }: ListedResult, credit: KnownCredit | undefined): ResultVerdict {
  if (!credit) return contradiction('unknown-credit', 'the scheme was asked for no credit with this id');
  if (credit.fileDay === null) return contradiction('not-sent', `the conversion is ${credit.state} and in no file of the scheme`);
  if (points !== null && points !== credit.points) return contradiction('points-differ', differs('points', points, credit.points));
  if (credit.state === 'at-scheme') return { kind: result === 'accepted' ? 'accept' : 'refuse' };
  if (credit.receipt !== null) {
    if (result === 'refused') return contradiction('accepted-before', 'the scheme accepted it before: the points are spent');
    if (receipt !== null && receipt !== credit.receipt)
      return contradiction('receipt-differs', differs('receipt', receipt, credit.receipt));
    return { kind: 'unchanged' };
  }
  if (result === 'refused') return { kind: 'unchanged' };
  return credit.refusalCode === 'scheme-unanswered'
    ? contradiction('given-back', 'the answer came after the days of the scheme: the points were given back, and the member has them twice')
    : contradiction('refused-before', 'the scheme refused it before: the points were given back, and the member has them twice');
}

function saysTheSame(one: ListedResult, other: ListedResult): boolean {
  return one.result === other.result && one.points === other.points && one.receipt === other.receipt;
}

function contradiction(code: ContradictionCode, reason: string): ResultVerdict {
  return { kind: 'contradiction', code, reason };
}
