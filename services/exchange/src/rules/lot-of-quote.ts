import { addDays, expiresAt, jstDateOf, type Expiry, type Instant, type LocalDate } from '@points/kernel';

/** What the ledger has told of a programme. */
export interface ProgrammeFacts {
  readonly name: string;
  readonly lastGrantDay?: LocalDate;
  readonly lastUseDay?: LocalDate;
  /** By the day from which they hold. Never empty. */
  readonly versions: readonly {
    readonly validFrom: LocalDate;
    readonly expiry: Expiry;
    readonly usableAt: readonly string[];
  }[];
}

/** What becomes of points that are issued at a time. */
export interface FutureLot {
  /** The last day on which they can be used; absent when they do not end. */
  readonly lastDay?: LocalDate;
  /** True when each use moves that day. */
  readonly isRenewedByUse: boolean;
  /** Tags of places; none: anywhere. */
  readonly usableAt: readonly string[];
}

/** As the ledger decides when it issues: by the rules of the day, and never past the programme's own last day. */
export function lotOfQuote(programme: ProgrammeFacts, issuedAt: Instant): FutureLot {
  const day = jstDateOf(issuedAt);
  const version = programme.versions.filter((one) => one.validFrom <= day).at(-1) ?? programme.versions[0];
  if (!version) throw new Error('assertion failed: a programme has rules');
  const end = expiresAt(version.expiry, issuedAt);
  const days = [...(end === null ? [] : [addDays(jstDateOf(end), -1)]), ...(programme.lastUseDay ? [programme.lastUseDay] : [])].sort();
  return {
    ...(days[0] !== undefined && { lastDay: days[0] }),
    isRenewedByUse: version.expiry.kind === 'months-after-last-use',
    usableAt: version.usableAt,
  };
}
