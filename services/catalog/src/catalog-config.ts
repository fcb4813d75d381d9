import { ServiceConfig } from '@points/service';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';

export class CatalogConfig extends ServiceConfig {
  /** How long a call waits for the ledger's word before it answers 202. Shorter than the 30 s after which Fastify gives a request up. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(20_000)
  ANSWER_DEADLINE_MS = 3_000;
}
