import { IsString } from 'class-validator';

/** Why the ledger refused. */
export class Reason {
  @IsString()
  code!: string;

  @IsString()
  detail!: string;
}
