import type { Instant, LocalDate } from '@points/kernel';
import { dateDiffers, differs, matchLines, type ElsewhereOf } from './match-lines.js';

export const listedKinds = ['order', 'reversal'] as const;
export type ListedKind = (typeof listedKinds)[number];

/** A line of the partner's own file. Reversals count as above zero there. */
export interface ListedOrder {
  readonly line: number;
  readonly orderId: string;
  readonly kind: ListedKind;
  readonly partnerPoints: number;
  readonly municipalPoints: number | null;
  /** Of Tokyo. */
  readonly date: LocalDate | null;
}

/** An order or a reversal as it is booked here. */
export interface OwnOrder {
  readonly orderId: string;
  readonly kind: ListedKind;
  readonly partnerPoints: number;
  readonly municipalPoints: number;
  readonly bookedAt: Instant;
}

export type Elsewhere = ElsewhereOf<OwnOrder>;

export interface Compared {
  readonly lines: number;
  readonly partnerPoints: number;
  readonly municipalPoints: number;
}

export interface OrderMatch {
  /** As the lines here say. */
  readonly matched: Compared;
  /** In the file and not booked here. */
  readonly missingHere: readonly { readonly listed: ListedOrder; readonly reason: string }[];
  /** Booked here and not in the file. */
  readonly missingThere: readonly OwnOrder[];
  readonly different: readonly { readonly listed: ListedOrder; readonly own: OwnOrder; readonly reasons: readonly string[] }[];
  readonly there: Compared;
  readonly here: Compared;
}

export function matchKey({ orderId, kind }: Pick<OwnOrder, 'orderId' | 'kind'>): string {
  return `${kind} ${orderId}`;
}

/** Compares line by line: a line is the order, or the reversal of the order, with its id. */
export function matchOrders(
  listed: readonly ListedOrder[],
  own: readonly OwnOrder[],
  elsewhere: ReadonlyMap<string, Elsewhere>,
  toleranceDays: number,
): OrderMatch {
  const { matched, ...rest } = matchLines<ListedOrder, OwnOrder>(listed, own, elsewhere, {
    keyOf: matchKey,
    differences: (line, mine) => differences(line, mine, toleranceDays),
    reasonOf: (line, state) => (state === undefined ? 'there is no order with this id' : reasonOf(line, state)),
  });
  return { ...rest, matched: compared(matched), there: compared(listed), here: compared(own) };
}

function reasonOf({ kind }: ListedOrder, state: string): string {
  return kind === 'order' ? `the order is ${state}: no points are booked` : `the order is ${state}: it was not taken back`;
}

function differences(line: ListedOrder, mine: OwnOrder, toleranceDays: number): string[] {
  return [
    ...(line.partnerPoints === mine.partnerPoints ? [] : [differs('partnerPoints', line.partnerPoints, mine.partnerPoints)]),
    ...(line.municipalPoints === null || line.municipalPoints === mine.municipalPoints
      ? []
      : [differs('municipalPoints', line.municipalPoints, mine.municipalPoints)]),
    ...dateDiffers(line.date, mine.bookedAt, toleranceDays),
  ];
}

function compared(lines: readonly { readonly partnerPoints: number; readonly municipalPoints: number | null }[]): Compared {
  return {
    lines: lines.length,
    partnerPoints: lines.reduce((sum, one) => sum + one.partnerPoints, 0),
    municipalPoints: lines.reduce((sum, one) => sum + (one.municipalPoints ?? 0), 0),
  };
}
