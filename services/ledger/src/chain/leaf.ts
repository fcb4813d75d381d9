import { assert, type Points } from '@points/kernel';
import { leafHash } from './merkle.js';

/** Everything about a transfer that never changes. Times are UTC text; what they say is in move/README.md. */
export interface TransferFacts {
  readonly programme: string;
  readonly account: string;
  readonly transfer: string;
  readonly kind: string;
  readonly counter: string | null;
  readonly amount: number;
  readonly effectiveAt: string;
  readonly recordedAt: string;
  readonly hold: string | null;
  readonly of: string | null;
  readonly reference: string | null;
  readonly actor: string;
  readonly reason: string | null;
  /** In draw order. */
  readonly draws: readonly { readonly lot: string; readonly amount: number; readonly granted: GrantedLot | null }[];
  /** What a hold reserved; of a transfer of kind hold only. */
  readonly reserved: Reserved | null;
  /** Ends of lots that it moved, by lot; of a transfer of kind extend only. */
  readonly extended?: readonly ExtendedLot[] | null;
  /** What the caller was told, with the first transfer of a posting. */
  readonly posting: PostedOutcome | null;
}

export interface ExtendedLot {
  readonly lot: string;
  readonly points: number;
  readonly fromEnd: string;
  readonly toEnd: string;
}

export interface GrantedLot {
  readonly priority: number;
  readonly grantedAt: string;
  /** When it was to end before staff moved that; a use of the account before the transfer was sealed may have. */
  readonly expiresAt: string | null;
  readonly usableAt: readonly string[];
  readonly source: string;
  readonly funding: string;
  readonly ruleVersion: number;
  readonly amount: number;
}

export interface Reserved {
  readonly amount: number;
  readonly heldAt: string;
  readonly expiresAt: string | null;
  readonly places: readonly string[];
  readonly lots: readonly string[];
  readonly parts: readonly number[];
}

export interface PostedOutcome {
  readonly account: string;
  readonly kind: string;
  readonly fingerprint: string;
  readonly amount: number;
  readonly effectiveAt: string;
  readonly balance: number;
  readonly available: number;
  readonly completedAt: string;
}

export interface RuleFacts {
  readonly programme: string;
  readonly version: number;
  readonly validFrom: string;
  readonly rules: unknown;
  readonly createdAt: string;
}

/**
 * The canonical text: one JSON array without spaces, fields by place. A field is never moved or taken away; a later kind of leaf gets
 * another first word. The entries are what the draws say they must be, so a wrong entry never makes it into the chain.
 */
export function transferText(facts: TransferFacts): string {
  const {
    programme,
    account,
    transfer,
    kind,
    counter,
    amount,
    effectiveAt,
    recordedAt,
    hold,
    of,
    reference,
    actor,
    reason,
    reserved,
    posting,
    extended,
  } = facts;
  const signed = signedAmount(facts);
  return JSON.stringify([
    'ledger.transfer.v1',
    programme,
    account,
    transfer,
    kind,
    counter,
    amount,
    effectiveAt,
    recordedAt,
    hold,
    of,
    reference,
    actor,
    reason,
    counter === null
      ? []
      : [
          [account, signed],
          [counter, 0 - signed],
        ],
    facts.draws.map((draw) => [draw.lot, draw.amount, draw.granted && lotFacts(draw.granted)]),
    reserved && [reserved.amount, reserved.heldAt, reserved.expiresAt, reserved.places, reserved.lots, reserved.parts],
    posting && [
      posting.account,
      posting.kind,
      posting.fingerprint,
      posting.amount,
      posting.effectiveAt,
      posting.balance,
      posting.available,
      posting.completedAt,
    ],
    ...(kind === 'extend' ? [(extended ?? []).map((one) => [one.lot, one.points, one.fromEnd, one.toEnd])] : []),
  ]);
}

export function transferLeaf(facts: TransferFacts): string {
  return leafHash(transferText(facts));
}

export function ruleText({ programme, version, validFrom, rules, createdAt }: RuleFacts): string {
  return JSON.stringify(['ledger.rule.v1', programme, version, validFrom, sorted(rules), createdAt]);
}

export function ruleLeaf(facts: RuleFacts): string {
  return leafHash(ruleText(facts));
}

/** What the draws of a transfer add up to: the entry of its account. */
export function signedAmount({ draws }: Pick<TransferFacts, 'draws'>): number {
  return draws.reduce((sum, draw) => sum + draw.amount, 0);
}

/** Every positive draw but that of a refund begins its lot. */
export function grants(kind: string, amount: number | Points): boolean {
  return amount > 0 && kind !== 'refund';
}

function lotFacts({ priority, grantedAt, expiresAt, usableAt, source, funding, ruleVersion, amount }: GrantedLot): unknown[] {
  return [priority, grantedAt, expiresAt, usableAt, source, funding, ruleVersion, amount];
}

/** Objects with their keys in order: PostgreSQL keeps another one. */
function sorted(value: unknown, depth = 0): unknown {
  assert(depth < depthMax, 'rules are not nested deeper than they can be');
  if (Array.isArray(value)) return value.map((one) => sorted(one, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one, depth + 1)]),
  );
}

const depthMax = 50;
