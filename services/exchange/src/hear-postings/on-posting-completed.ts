import { Controller, Inject } from '@nestjs/common';
import { postingCompletedV1, type PostingCompleted } from '@points/contracts';
import { OnEvent, type BatchContext, type Received } from '@points/messaging';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { moveParts } from '../allocate-reserve/move-parts.js';
import { now } from '../clock.js';
import { CreditAtScheme } from '../convert-points/credit-at-scheme.job.js';
import { AskPartners } from '../exchange-by-link/ask-partners.job.js';
import { Waiting } from '../waiting.js';
import { endBonuses } from './end-bonuses.js';
import { endOrders } from './end-orders.js';
import { endReversals } from './end-reversals.js';
import { moveConversions } from './move-conversions.js';
import { postingFacts } from './posting-facts.js';

@Controller()
export class OnPostingCompleted {
  constructor(
    private readonly waiting: Waiting,
    private readonly credits: CreditAtScheme,
    private readonly partners: AskPartners,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(postingCompletedV1, { requester: 'exchange' })
  async hear(events: Received<PostingCompleted>[], { tx }: BatchContext): Promise<void> {
    const facts = postingFacts(events);
    const orders = await endOrders(tx, facts.order);
    await endBonuses(tx, facts.bonus);
    const reversed = await endReversals(tx, facts.reversal);
    const { over, waitsForFile, inDispute, isCreditDue } = await moveConversions(tx, facts.conversion, now());
    const parts = await moveParts(tx, facts.reserve);
    tx.afterCommit(() => {
      this.waiting.wake([...orders.over.keys(), ...reversed, ...over, ...waitsForFile], orders.over);
      if (orders.isPartnerDue) this.partners.nudge();
      if (isCreditDue) this.credits.nudge();
      for (const part of parts.inDispute)
        this.log.error(
          { part },
          'part of a reserve allocation in dispute: the ledger refused the capture or release of a hold it had confirmed',
        );
      for (const arrival of parts.givenUp)
        this.log.error(
          { arrival },
          'reserve points wait for an operator: the base programme has refused them for the last time; their holder may choose for them',
        );
      for (const conversion of inDispute)
        this.log.error({ conversion }, 'conversion in dispute: the ledger refused the capture or release of a hold it had confirmed');
    });
  }
}
