import type { Instant, LocalDate, MunicipalityCode, ProgrammeId } from '@points/kernel';

/** A trial folder as it was read: what to set up, what to send, and what should come out. */
export interface Trial {
  readonly programme: TrialProgramme;
  readonly partners: readonly TrialPartner[];
  /** In the order in which they are booked. */
  readonly rows: readonly TrialRow[];
  readonly expected?: Readonly<Record<string, unknown>>;
}

export interface TrialProgramme {
  readonly municipality: MunicipalityCode;
  readonly id: ProgrammeId;
  readonly name: string;
  readonly firstDay: LocalDate;
  readonly lastDay: LocalDate;
  readonly validityDays: number;
  readonly scheme: string;
}

export interface TrialPartner {
  readonly line: number;
  readonly partner: string;
  readonly rate: { readonly numerator: number; readonly denominator: number };
  readonly lotPartnerPoints: number;
}

export interface TrialExchange {
  readonly kind: 'exchange';
  readonly line: number;
  readonly id: string;
  readonly myKeyId: string;
  readonly partner: string;
  readonly partnerPoints: number;
  readonly municipalPoints: number;
  readonly at: Instant;
}

export interface TrialConversion {
  readonly kind: 'conversion';
  readonly line: number;
  readonly id: string;
  readonly myKeyId: string;
  readonly points: number;
  readonly at: Instant;
}

export type TrialRow = TrialExchange | TrialConversion;

/** Where a row stands, and what its fields are called there. */
export const files = {
  exchange: {
    file: 'exchanges.csv',
    columns: {
      id: 'order_id',
      myKeyId: 'my_key_id',
      partner: 'partner',
      partnerPoints: 'partner_points',
      municipalPoints: 'municipal_points',
      at: 'accepted_at',
    },
  },
  conversion: { file: 'conversions.csv', columns: { id: 'conversion_id', myKeyId: 'my_key_id', points: 'points', at: 'converted_at' } },
  partner: {
    file: 'partners.csv',
    columns: { partner: 'partner', numerator: 'rate_numerator', denominator: 'rate_denominator', lotPartnerPoints: 'lot_partner_points' },
  },
} as const;
