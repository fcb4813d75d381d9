import { IsDay, ProgrammePath } from '@points/http';
import type { Instant, LocalDate } from '@points/kernel';
import { IsUUID, Matches } from 'class-validator';

/** Partners, schemes, orders and conversions have ids that others gave them, Japanese ones too: printable, without white space. */
export const idForm = /^[^\p{C}\p{Z}]{1,60}$/u;

/** An id on a partner's own paper: as `idForm`, a little longer, and single spaces may stand inside. */
export const paperIdForm = /^(?=.{1,64}$)[^\p{C}\p{Z}]+( [^\p{C}\p{Z}]+)*$/u;

export class PartnerPath extends ProgrammePath {
  @Matches(idForm)
  partner!: string;
}

export class ExchangeOrderPath extends PartnerPath {
  @Matches(paperIdForm)
  orderId!: string;
}

export type ExchangeOrderKey = Pick<ExchangeOrderPath, 'programme' | 'partner' | 'orderId'>;

export class UploadPath extends PartnerPath {
  @IsUUID()
  upload!: string;
}

export class UploadKeyPath extends PartnerPath {
  @Matches(idForm)
  kid!: string;
}

export class SchemePath extends ProgrammePath {
  @Matches(idForm)
  scheme!: string;
}

export class SchemeFilePath extends SchemePath {
  /** Of the file's cut-off, in Tokyo. */
  @IsDay()
  day!: LocalDate;
}

export class ConversionPath extends ProgrammePath {
  @Matches(paperIdForm)
  conversionId!: string;
}

/** The lowest id that can have been made at this instant (UUID version 7: 48 bits of milliseconds since 1970, before which there are none). */
export function firstIdOf(instant: Instant): string {
  const ms = Math.max(0, Date.parse(instant)).toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-000000000000`;
}
