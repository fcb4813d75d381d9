import { Controller } from '@nestjs/common';
import { holderRegisteredV1, type HolderRegistered } from '@points/contracts';
import { OnEvent, type BatchContext, type Received } from '@points/messaging';
import { linkHolders } from './link-holders.js';

@Controller()
export class HolderRegisteredController {
  @OnEvent(holderRegisteredV1)
  onRegistered(events: Received<HolderRegistered>[], { tx }: BatchContext): Promise<void> {
    return linkHolders(
      tx,
      events.map((event) => event.data),
    );
  }
}
