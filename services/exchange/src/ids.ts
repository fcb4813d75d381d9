import { ProgrammePath } from '@points/http';
import { Matches } from 'class-validator';

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

export class SchemePath extends ProgrammePath {
  @Matches(idForm)
  scheme!: string;
}

export class ConversionPath extends ProgrammePath {
  @Matches(paperIdForm)
  conversionId!: string;
}
