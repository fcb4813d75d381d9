import { addDays, jstDateOf, type Instant, type LocalDate } from '@points/kernel';

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

/** What is known here of a line that is not among those compared. */
export type Elsewhere =
  /** At another time. */
  { readonly own: OwnOrder } | { readonly state: string };

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
  const known = new Map(own.map((one) => [matchKey(one), one]));
  const seen = new Map<string, number>();
  const matched: OwnOrder[] = [];
  const missingHere: { listed: ListedOrder; reason: string }[] = [];
  const different: { listed: ListedOrder; own: OwnOrder; reasons: string[] }[] = [];
  for (const line of listed) {
    const key = matchKey(line);
    const first = seen.get(key);
    if (first !== undefined) {
      missingHere.push({ listed: line, reason: `repeats line ${first}` });
      continue;
    }
    seen.set(key, line.line);
    const mine = known.get(key);
    const other = elsewhere.get(key);
    if (mine) {
      const reasons = differences(line, mine, toleranceDays);
      if (reasons.length === 0) matched.push(mine);
      else different.push({ listed: line, own: mine, reasons });
    } else if (other && 'own' in other)
      different.push({
        listed: line,
        own: other.own,
        reasons: ['outside: it is booked outside of the days compared', ...differences(line, other.own, toleranceDays)],
      });
    else missingHere.push({ listed: line, reason: other ? reasonOf(line, other.state) : 'there is no order with this id' });
  }
  return {
    matched: compared(matched),
    missingHere,
    missingThere: own.filter((one) => !seen.has(matchKey(one))),
    different,
    there: compared(listed),
    here: compared(own),
  };
}

function reasonOf({ kind }: ListedOrder, state: string): string {
  return kind === 'order' ? `the order is ${state}: no points are booked` : `the order is ${state}: it was not taken back`;
}

/** Each as `field: there …, here …`. */
function differences(line: ListedOrder, mine: OwnOrder, toleranceDays: number): string[] {
  const say = (field: string, there: string | number, here: string | number) => `${field}: there ${there}, here ${here}`;
  const day = jstDateOf(mine.bookedAt);
  return [
    ...(line.partnerPoints === mine.partnerPoints ? [] : [say('partnerPoints', line.partnerPoints, mine.partnerPoints)]),
    ...(line.municipalPoints === null || line.municipalPoints === mine.municipalPoints
      ? []
      : [say('municipalPoints', line.municipalPoints, mine.municipalPoints)]),
    ...(line.date === null || (addDays(day, -toleranceDays) <= line.date && line.date <= addDays(day, toleranceDays))
      ? []
      : [say('date', line.date, day)]),
  ];
}

function compared(lines: readonly { readonly partnerPoints: number; readonly municipalPoints: number | null }[]): Compared {
  return {
    lines: lines.length,
    partnerPoints: lines.reduce((sum, one) => sum + one.partnerPoints, 0),
    municipalPoints: lines.reduce((sum, one) => sum + (one.municipalPoints ?? 0), 0),
  };
}
