import { Controller, Inject } from '@nestjs/common';
import { postingRequestedV1, type PostingRequested } from '@points/contracts';
import { OnEvent, type Received } from '@points/messaging';
import { Door } from './door.js';
import type { DoorRequest } from './request.js';
import { toPostingRequest } from './to-instruction.js';

/** What other services ask for. The reference makes one effect of an event that comes twice, so the door's own transaction is enough. */
@Controller()
export class OnPostingRequested {
  constructor(@Inject(Door) private readonly door: Door) {}

  @OnEvent(postingRequestedV1, { transaction: 'own' })
  async post(events: Received<PostingRequested>[]): Promise<void> {
    await this.door.post(events.map(toDoorRequest));
  }
}

function toDoorRequest({ data, requester, traceparent }: Received<PostingRequested>): DoorRequest {
  const { actor, reason } = data.cause;
  return {
    ...toPostingRequest(data),
    actor,
    ...(reason !== undefined && { reason }),
    announce: { ...(requester !== undefined && { requester }), ...(traceparent !== undefined && { traceparent }) },
  };
}
