import { jstDateOf, lastChoiceDay, type Expiry, type Instant, type LocalDate, type Points, type ProgrammeId } from '@points/kernel';
import type { Limit } from './limits.js';

/** A municipality's kind of point (ポイント制度). Its rules are versions, each with the day from which it holds. */
export interface Programme {
  readonly programme: ProgrammeId;
  readonly firstDay: LocalDate;
  /** The last day on which points can be moved; null while no end is planned. */
  readonly lastDay: LocalDate | null;
  /** The last day on which points can be granted, where that is before `lastDay`. */
  readonly lastGrantDay?: LocalDate | null;
  /** True while the municipality is still moving its history in: effective times in the past are accepted and expiry runs on request only. */
  readonly historyOpen: boolean;
  readonly frozen: boolean;
  /** Fiscal years whose books are closed (出納閉鎖). */
  readonly closedYears?: readonly ClosedYear[];
  /** By `version`, which is also the order of `validFrom`. Never empty. */
  readonly versions: readonly RuleVersion[];
}

export interface ClosedYear {
  readonly fiscalYear: number;
  readonly from: Instant;
  readonly to: Instant;
  /** What is recorded at or after this instant may not take effect in the year. */
  readonly closedFrom: Instant;
}

export interface RuleVersion {
  readonly version: number;
  readonly validFrom: LocalDate;
  readonly rules: Rules;
}

export interface Rules {
  readonly expiry: Expiry;
  /** Tags given to every lot: it can be used where the place shares one of them, and anywhere when there are none. */
  readonly usableAt: readonly string[];
  readonly refundOfExpired: RefundOfExpired;
  /** Lots with a lower number are drawn first. */
  readonly priority: number;
  readonly transferAllowed: boolean;
  /** Caps and velocity limits, in the order in which they are checked. Absent: none. */
  readonly limits?: readonly Limit[];
  /** Adjustments by staff above this many points need a second person. Absent: none does. */
  readonly adjustmentAlone?: Points;
  /** What a reversal does about points of the grant that are gone. Absent: `refuse`. */
  readonly reverseOfSpent?: ReverseOfSpent;
  /** True: lots wait here until their holder gives them to municipalities (留保). Absent: the points are the municipality's own. */
  readonly reserve?: true;
}

/** A debt is paid by the grants that come next, before the holder can use them. */
export type ReverseOfSpent = 'refuse' | 'debt';

/** What happens to points that come back (refund, release of a hold) into a lot whose time is over meanwhile. */
export type RefundOfExpired =
  /** They return to their lot and expire at once, as two transfers. */
  | { readonly kind: 'restore-and-expire' }
  /** They return as a new lot of so many days. */
  | { readonly kind: 'new-lot'; readonly days: number }
  /** They return to the municipality. */
  | { readonly kind: 'to-municipality' };

/** The version that holds on the JST day of the instant; before the first version's day, the first. */
export function rulesAt(programme: Programme, at: Instant): RuleVersion {
  const day = jstDateOf(at);
  let found = programme.versions[0];
  for (const version of programme.versions) if (version.validFrom <= day) found = version;
  if (!found) throw new Error(`assertion failed: programme ${programme.programme} has no rules`);
  return found;
}

/** The version a lot was granted under, which it keeps. */
export function rulesOfVersion(programme: Programme, version: number): RuleVersion {
  const found = programme.versions.find((one) => one.version === version);
  if (!found) throw new Error(`assertion failed: programme ${programme.programme} has no rule version ${version}`);
  return found;
}

/** Of a lot in a reserve: through which day its holder may say where it goes. Afterwards it goes to his base programme by itself. */
export function lastChoiceDayOf(
  programme: Programme,
  { grantedAt, ruleVersion }: { readonly grantedAt: Instant; readonly ruleVersion: number },
): LocalDate | undefined {
  return rulesOfVersion(programme, ruleVersion).rules.reserve ? lastChoiceDay(grantedAt) : undefined;
}
