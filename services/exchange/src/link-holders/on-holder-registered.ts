import { Controller } from '@nestjs/common';
import { holderRegisteredV1, type HolderRegistered } from '@points/contracts';
import { OnEvent, type BatchContext, type Received } from '@points/messaging';
import { linkHolders } from '@points/holders';

@Controller()
export class OnHolderRegistered {
  @OnEvent(holderRegisteredV1)
  async hear(events: Received<HolderRegistered>[], { tx }: BatchContext): Promise<void> {
    await linkHolders(
      tx,
      events.map((one) => one.data),
    );
  }
}
