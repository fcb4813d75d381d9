import { Controller, Inject } from '@nestjs/common';
import { postingRequestedV1, type PostingRequested } from '@points/contracts';
import { OnEvent, type Received } from '@points/messaging';
import { traceIdOf, type Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { Door } from './door.js';
import type { AnyRequest } from './request.js';
import { toPostingRequest } from './to-instruction.js';

/** What other services ask for. The reference makes one effect of an event that comes twice, so the door's own transaction is enough. */
@Controller()
export class OnPostingRequested {
  constructor(
    @Inject(Door) private readonly door: Door,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(postingRequestedV1, { transaction: 'own' })
  async post(events: Received<PostingRequested>[]): Promise<void> {
    const completed = await this.door.post(events.map(toRequest));
    // A batch has as many traces as events: each line carries the id of its own.
    events.forEach(({ data: { reference, instruction }, traceparent }, index) => {
      const { outcome, repeated } = completed[index] ?? {};
      const code = outcome?.status === 'refused' ? outcome.code : undefined;
      this.log.info(
        { ...traceIdOf(traceparent), reference, kind: instruction.kind, status: outcome?.status, code, repeated },
        'posting completed',
      );
    });
  }
}

function toRequest({ data, requester, traceparent }: Received<PostingRequested>): AnyRequest {
  const { actor, reason } = data.cause;
  return {
    ...toPostingRequest(data),
    actor,
    ...(reason !== undefined && { reason }),
    announce: { ...(requester !== undefined && { requester }), ...(traceparent !== undefined && { traceparent }) },
  };
}
