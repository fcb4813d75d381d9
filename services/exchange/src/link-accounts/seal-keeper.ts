import { Inject, Injectable } from '@nestjs/common';
import { problem } from '@points/http';
import { ExchangeConfig } from '../exchange.config.js';
import { parseSealKeys, Seal } from './seal.js';

/** The seal of this installation. */
@Injectable()
export class SealKeeper {
  private readonly kept: Seal | undefined;

  constructor(@Inject(ExchangeConfig) { LINK_KEYS }: ExchangeConfig) {
    const keys = LINK_KEYS === undefined ? undefined : parseSealKeys(LINK_KEYS);
    this.kept = keys && new Seal(keys);
  }

  /** @throws Problem where the installation has no keys: then nothing sealed can be there either */
  get seal(): Seal {
    if (!this.kept) throw problem(503, 'links-not-set-up', 'this installation keeps no linked accounts: its operator has to set LINK_KEYS');
    return this.kept;
  }
}
