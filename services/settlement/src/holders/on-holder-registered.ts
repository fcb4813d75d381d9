import { Controller, Inject } from '@nestjs/common';
import { holderRegisteredV1, type HolderRegistered } from '@points/contracts';
import { linkHolders } from '@points/holders';
import { OnEvent, type BatchContext, type Received } from '@points/messaging';
import { notify } from '../notices/notices.js';
import { HolderCache } from './holder-cache.js';

@Controller()
export class OnHolderRegistered {
  constructor(@Inject(HolderCache) private readonly holders: HolderCache) {}

  @OnEvent(holderRegisteredV1)
  async onRegistered(events: Received<HolderRegistered>[], { tx }: BatchContext): Promise<void> {
    const givenUp = await linkHolders(
      tx,
      events.map((one) => one.data),
    );
    tx.afterCommit(() => this.holders.forget(givenUp));
    await notify(tx, 'holders', givenUp);
  }
}
