import { Controller, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, type Answer, type Cause } from '@points/http';
import { ExchangeOrderPath } from '../ids.js';
import { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import { AskPartners } from './ask-partners.job.js';
import { askPartnerAgain } from './link-order.js';
import { readOrder } from './read-order.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class LinkOrdersController {
  constructor(
    private readonly database: Database,
    private readonly partners: AskPartners,
  ) {}

  @Post('partners/:partner/exchange-orders/:orderId/attempts')
  @Operation({
    summary: 'For an operator: have a linked partner asked again, now',
    description:
      'For an order whose attempts at its partner are used up, and for one in dispute: its commit is asked again when its points are issued, ' +
      'its cancel otherwise.',
    scope: 'exchange:on-behalf',
    answer: ExchangeOrderView,
    problems: ['unknown-order', 'not-waiting'],
  })
  async tryAgain(@Param() path: ExchangeOrderPath, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        await askPartnerAgain(tx, path);
        tx.afterCommit(() => this.partners.nudge());
        const order = await readOrder(tx, path);
        if (!order) throw new Error('assertion failed: an order that is locked must be there');
        return answer(200, order);
      }),
    );
  }
}
