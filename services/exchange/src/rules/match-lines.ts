import { addDays, jstDateOf, type Instant, type LocalDate } from '@points/kernel';

/** What is known here of a line that is not among those compared. */
export type ElsewhereOf<Own> =
  /** At another time. */
  { readonly own: Own } | { readonly state: string };

export interface Matching<Listed, Own> {
  readonly keyOf: (one: Listed | Own) => string;
  /** Each as `field: there …, here …`; none when they agree. */
  readonly differences: (listed: Listed, own: Own) => string[];
  /** Why a line is not booked here; without a state nothing is known of it. */
  readonly reasonOf: (listed: Listed, state: string | undefined) => string;
}

export interface LineMatch<Listed, Own> {
  readonly matched: readonly Own[];
  /** In the file and not booked here. */
  readonly missingHere: readonly { readonly listed: Listed; readonly reason: string }[];
  /** Booked here and not in the file. */
  readonly missingThere: readonly Own[];
  readonly different: readonly { readonly listed: Listed; readonly own: Own; readonly reasons: readonly string[] }[];
}

/** Compares the lines of somebody's own file with what is booked here: each line is one of the bookings, or a finding. */
export function matchLines<Listed extends { readonly line: number }, Own>(
  listed: readonly Listed[],
  own: readonly Own[],
  elsewhere: ReadonlyMap<string, ElsewhereOf<Own>>,
  { keyOf, differences, reasonOf }: Matching<Listed, Own>,
): LineMatch<Listed, Own> {
  const known = new Map(own.map((one) => [keyOf(one), one]));
  const seen = new Map<string, number>();
  const matched: Own[] = [];
  const missingHere: { listed: Listed; reason: string }[] = [];
  const different: { listed: Listed; own: Own; reasons: string[] }[] = [];
  for (const line of listed) {
    const key = keyOf(line);
    const first = seen.get(key);
    if (first !== undefined) {
      missingHere.push({ listed: line, reason: `repeats line ${first}` });
      continue;
    }
    seen.set(key, line.line);
    const mine = known.get(key);
    const other = elsewhere.get(key);
    if (mine) {
      const reasons = differences(line, mine);
      if (reasons.length === 0) matched.push(mine);
      else different.push({ listed: line, own: mine, reasons });
    } else if (other && 'own' in other)
      different.push({
        listed: line,
        own: other.own,
        reasons: ['outside: it is booked outside of the days compared', ...differences(line, other.own)],
      });
    else missingHere.push({ listed: line, reason: reasonOf(line, other?.state) });
  }
  return { matched, missingHere, missingThere: own.filter((one) => !seen.has(keyOf(one))), different };
}

export function differs(field: string, there: string | number, here: string | number): string {
  return `${field}: there ${there}, here ${here}`;
}

export function dateDiffers(there: LocalDate | null, bookedAt: Instant, toleranceDays: number): string[] {
  const day = jstDateOf(bookedAt);
  const isNear = there === null || (addDays(day, -toleranceDays) <= there && there <= addDays(day, toleranceDays));
  return isNear ? [] : [differs('date', there, day)];
}
