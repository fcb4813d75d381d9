import { Controller, Inject } from '@nestjs/common';
import { postingCompletedV1, type PostingCompleted } from '@points/contracts';
import { OnEvent, type BatchContext, type Received } from '@points/messaging';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { concludeCancellations } from '../orders/conclude-cancellations.js';
import { concludeOrders } from '../orders/conclude-orders.js';
import { readReference, requester, type Matter } from './ask-ledger.js';
import { conclude, type Told } from './conclude.js';
import { Decisions } from './decisions.js';
import { outcomeOf } from './word.js';

@Controller()
export class PostingCompletedController {
  constructor(
    private readonly decisions: Decisions,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(postingCompletedV1, { requester })
  async onCompleted(events: Received<PostingCompleted>[], { tx }: BatchContext): Promise<void> {
    const told: Record<Matter, Told[]> = { order: [], cancellation: [], donation: [], grant: [] };
    for (const { data } of events) {
      const { matter, id } = readReference(data.reference);
      told[matter].push({ tenant: data.municipality, id, outcome: outcomeOf(data.outcome) });
    }
    await concludeOrders(tx, told.order);
    await concludeCancellations(tx, told.cancellation);
    await conclude(tx, 'donation', told.donation);
    await conclude(tx, 'activity_grant', told.grant);
    tx.afterCommit(() => {
      for (const { data } of events) {
        this.log.info(
          {
            reference: data.reference,
            status: data.outcome.status,
            code: data.outcome.status === 'refused' ? data.outcome.code : undefined,
          },
          'ledger decided',
        );
        this.decisions.wake(readReference(data.reference).id);
      }
    });
  }
}
