import { ServiceConfig } from '@points/service';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';

export class SettlementConfig extends ServiceConfig {
  /** How long a POS waits for the ledger's answer before it gets 202 and asks again: a person stands at the till. */
  @Type(() => Number)
  @IsInt()
  @Min(50)
  @Max(20_000)
  PAYMENT_DEADLINE_MS = 3_000;
}
