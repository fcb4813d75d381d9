import type { Instant, LocalDate } from '@points/kernel';
import type { ConversionState } from './conversion-state.js';
import { dateDiffers, differs, matchLines, type ElsewhereOf, type LineMatch } from './match-lines.js';

/** A line of the scheme's own file: a credit under the id that we gave it. */
export interface ListedCredit {
  readonly line: number;
  readonly creditId: string;
  readonly points: number;
  readonly receipt: string | null;
  /** Of Tokyo. */
  readonly date: LocalDate | null;
}

/** A conversion that the scheme has acknowledged to us. */
export interface OwnCredit {
  readonly creditId: string;
  readonly points: number;
  readonly receipt: string;
  readonly creditedAt: Instant;
}

export interface ComparedCredits {
  readonly lines: number;
  readonly points: number;
}

export interface CreditMatch extends Omit<LineMatch<ListedCredit, OwnCredit>, 'matched'> {
  /** As the lines here say. */
  readonly matched: ComparedCredits;
  readonly there: ComparedCredits;
  readonly here: ComparedCredits;
}

/** Compares line by line. What the scheme credited and we gave back is found here: spent there, and free again for its holder. */
export function matchCredits(
  listed: readonly ListedCredit[],
  own: readonly OwnCredit[],
  elsewhere: ReadonlyMap<string, ElsewhereOf<OwnCredit>>,
  toleranceDays: number,
): CreditMatch {
  const { matched, ...rest } = matchLines<ListedCredit, OwnCredit>(listed, own, elsewhere, {
    keyOf: (one) => one.creditId,
    differences: (line, mine) => [
      ...(line.points === mine.points ? [] : [differs('points', line.points, mine.points)]),
      ...(line.receipt === null || line.receipt === mine.receipt ? [] : [differs('receipt', line.receipt, mine.receipt)]),
      ...dateDiffers(line.date, mine.creditedAt, toleranceDays),
    ],
    reasonOf: (_line, state) => state ?? 'there is no conversion with this id',
  });
  return { ...rest, matched: compared(matched), there: compared(listed), here: compared(own) };
}

/** Why a conversion that exists is none of the credits here. `refusalCode`: for what its points go back, or are back. */
export function notCredited(state: ConversionState, refusalCode: string | null = null): string {
  const isUnanswered = refusalCode === 'scheme-unanswered';
  switch (state) {
    case 'requested':
      return 'the conversion is requested: its points are not held yet and the scheme was not asked';
    case 'at-scheme':
      return 'the conversion is at-scheme: its points are held, the scheme has not acknowledged to us';
    case 'releasing':
    case 'in-dispute':
      return `the conversion is ${state}: the scheme ${isUnanswered ? 'did not answer within its days' : 'refused it to us'}, its points are to go back`;
    case 'refused':
      return isUnanswered
        ? 'the conversion is refused: the scheme did not answer within its days, points that were held are back'
        : 'the conversion is refused: nothing was spent for it, points that were held are back';
    case 'capturing':
    case 'completed':
      throw new Error(`assertion failed: a conversion that is ${state} has the receipt of its credit`);
  }
}

function compared(lines: readonly { readonly points: number }[]): ComparedCredits {
  return { lines: lines.length, points: lines.reduce((sum, one) => sum + one.points, 0) };
}
