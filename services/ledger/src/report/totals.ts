/** The figures of a report, each with the kinds of movement that it adds up and the sign with which it shows them. */
export const flowTotals = {
  issued: { kinds: ['issue'], sign: 1 },
  used: { kinds: ['spend'], sign: -1 },
  converted: { kinds: ['convert'], sign: -1 },
  donated: { kinds: ['donate'], sign: -1 },
  /** What came back to holders because a use was taken back. */
  refunded: { kinds: ['refund'], sign: 1 },
  expired: { kinds: ['expire'], sign: -1 },
  /** Points that came back after their time and fell to the municipality. */
  reverted: { kinds: ['revert'], sign: -1 },
  /** Grants that were reversed, and debts of reversed grants that later grants paid. */
  takenBack: { kinds: ['reverse', 'repay'], sign: -1 },
  /** Corrections by staff, either way. */
  adjusted: { kinds: ['adjust'], sign: 1 },
  /** From holder to holder, and from a lot to the lot that follows it: 0 over the whole programme. */
  moved: { kinds: ['transfer-out', 'transfer-in', 'renew'], sign: 1 },
} as const satisfies Record<string, { readonly kinds: readonly string[]; readonly sign: 1 | -1 }>;

/** Every kind that no other figure names, so that no movement can be missing from a report. */
export const otherTotal = 'other';

export type FlowTotal = keyof typeof flowTotals | typeof otherTotal;

export const flowTotalNames: readonly FlowTotal[] = [
  // The names are those of the constant above.
  ...(Object.keys(flowTotals) as (keyof typeof flowTotals)[]),
  otherTotal,
];

export const namedKinds: readonly string[] = Object.values(flowTotals).flatMap(({ kinds }) => kinds);

const totalOfKind = new Map<string, FlowTotal>(
  flowTotalNames.flatMap((name) => (name === otherTotal ? [] : flowTotals[name].kinds.map((kind) => [kind, name] as const))),
);

export function flowTotalOf(kind: string): FlowTotal {
  return totalOfKind.get(kind) ?? otherTotal;
}

export function signOf(total: FlowTotal): 1 | -1 {
  return total === otherTotal ? 1 : flowTotals[total].sign;
}

/** Everything that has lines to drill down to. */
export type Total = FlowTotal | 'opening' | 'closing' | 'redeemed' | 'lapsed';

export const totalNames: readonly Total[] = [...flowTotalNames, 'opening', 'closing', 'redeemed', 'lapsed'];

/** Which lines make a total: their kinds (null: all), whether those kinds are meant or all others, and the sign shown. */
export function linesOf(total: Total): { readonly kinds: readonly string[] | null; readonly others: boolean; readonly sign: 1 | -1 } {
  switch (total) {
    case 'opening':
    case 'closing':
      return { kinds: null, others: false, sign: 1 };
    case 'redeemed':
      return { kinds: ['spend', 'convert', 'donate', 'refund'], others: false, sign: -1 };
    case 'lapsed':
      return { kinds: ['expire', 'revert'], others: false, sign: -1 };
    case 'other':
      return { kinds: namedKinds, others: true, sign: 1 };
    default:
      return { kinds: flowTotals[total].kinds, others: false, sign: flowTotals[total].sign };
  }
}
