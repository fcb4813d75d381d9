import type { Instant, Points, ProgrammeId } from '@points/kernel';
import type { Later, LotsMeant } from './extend.js';
import type { Funding } from './lots.js';

/** What is to be done with a holder's account, as any caller may ask for it. */
export type Instruction =
  | { readonly kind: 'issue'; readonly amount: Points; readonly source: string; readonly funding: Funding }
  | {
      readonly kind: 'hold';
      readonly hold: string;
      readonly amount: Points;
      readonly places: readonly string[];
      readonly expiresAt?: Instant;
    }
  | {
      readonly kind: 'capture';
      readonly hold: string;
      readonly amount: Points;
      readonly final: boolean;
      readonly to: string;
      readonly use?: Use;
    }
  | { readonly kind: 'release'; readonly hold: string }
  | { readonly kind: Use; readonly amount: Points; readonly to: string; readonly places: readonly string[] }
  | { readonly kind: 'refund'; readonly of: string; readonly amount: Points }
  | { readonly kind: 'transfer'; readonly amount: Points; readonly to: string };

/** What only the municipality's staff may do, by routes of their own. */
export type StaffInstruction =
  /** A correction by staff: points are added as a new lot, or taken in draw order wherever they are usable. */
  | { readonly kind: 'adjust'; readonly direction: 'add' | 'take'; readonly amount: Points; readonly funding: Funding }
  /** Takes a grant back: `of` is the reference of its issue. */
  | { readonly kind: 'reverse'; readonly of: string }
  /** Moves the ends of certain lots to a later day, as the order `extension` of staff says. */
  | { readonly kind: 'extend'; readonly extension: string; readonly meant: LotsMeant; readonly later: Later };

export type AnyInstruction = Instruction | StaffInstruction;

/** Redeem at a merchant, convert to another scheme, donate to a fund. */
export type Use = 'spend' | 'convert' | 'donate';

/** One instruction with everything that its meaning depends on. */
export interface PostingRequest<Asked extends AnyInstruction = Instruction> {
  /** Unique in the programme for ever. */
  readonly reference: string;
  readonly programme: ProgrammeId;
  /** `holder:<uuid>` */
  readonly account: string;
  readonly instruction: Asked;
  /** When it took effect, if that is not now. */
  readonly effectiveAt?: Instant;
}

/**
 * Two requests with the same text ask for the same thing. Order of fields and of tags does not matter, nor who asks and why:
 * a caller that asks again after a crash may have lost his reason, but not his wish.
 */
export function semanticContent(request: PostingRequest<AnyInstruction>): string {
  const { instruction } = request;
  const fields: Record<string, unknown> = { ...instruction };
  if ('places' in instruction) fields['places'] = [...new Set(instruction.places)].sort();
  if (instruction.kind === 'capture') fields['use'] = instruction.use ?? 'spend';
  return JSON.stringify([
    request.account,
    request.effectiveAt ?? null,
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
