import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { answer, CauseOf, once, Operation, problem, type Answer, type Cause } from '@points/http';
import { currentTraceparent } from '@points/observability';
import { now } from '../clock.js';
import { AskPartners } from '../exchange-by-link/ask-partners.job.js';
import { ExchangeOrderPath, PartnerPath } from '../ids.js';
import { findOrder, maySeeOrdersOf } from '../place-exchange-order/find-order.js';
import { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import { refusedAnswer } from '../refused-answer.js';
import { isSettled } from '../rules/order-state.js';
import { Waiting } from '../waiting.js';
import { ReversalBatchView, ReversalsView, ReverseOrder, ReverseOrders, type ReversalOutcomeView } from './reversal-shapes.js';
import { cancelOrder } from './cancel-order.js';
import { askReversals, findOrders, listReversals, type Asked, type Reverser } from './reverse-orders.js';

const problems = [
  'unknown-partner',
  'client-not-of-partner',
  'unknown-order',
  'reversal-not-agreed',
  'reversal-window-over',
  'order-under-way',
  'nothing-to-reverse',
  'too-many-reversals',
  'and those of the ledger',
];

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner')
export class ReversalsController {
  constructor(
    private readonly database: Database,
    private readonly waiting: Waiting,
    private readonly partners: AskPartners,
  ) {}

  @Post('exchange-orders/:orderId/reversals')
  @Operation({
    summary: 'Take an order back',
    description:
      'For a mistake, fraud or cooling-off, within the days that the terms of the order name; later only with the scope exchange:reverse-late. ' +
      '201: reversed; what was taken back and what became a debt of the holder is in `reversal`. 202: not over within 3 s; it ends by itself, ask ' +
      'for the order. 200: it was reversed before. 422: the window is over, or the ledger refused (its code and facts are passed on): nothing was taken.',
    scope: 'exchange:write',
    status: 201,
    answer: ExchangeOrderView,
    also: { 200: ExchangeOrderView, 202: ExchangeOrderView },
    problems,
  })
  reverse(@Param() path: ExchangeOrderPath, @Body() body: ReverseOrder, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    return this.askOne(path, cause, async (tx, by) => {
      const [asked] = await askReversals(tx, by, [path.orderId], body, now());
      if (!asked) throw new Error('assertion failed: one order has one answer');
      return asked;
    });
  }

  @Post('exchange-orders/:orderId/cancellations')
  @Operation({
    summary: 'Call an order off',
    description:
      'An order that waits for a person is over at once (200, `refused` with the code cancelled). One of a linked account that its partner has not ' +
      'reserved yet is cancelled there: 200 once the partner has confirmed it, 202 (`cancelling`) until then. One that is issued is taken back as ' +
      'by a reversal, with the same answers. While the ledger is asked to issue, or the partner to take the points: 409 order-under-way.',
    scope: 'exchange:write',
    status: 201,
    answer: ExchangeOrderView,
    also: { 200: ExchangeOrderView, 202: ExchangeOrderView },
    problems,
  })
  cancel(@Param() path: ExchangeOrderPath, @Body() body: ReverseOrder, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    return this.askOne(path, cause, async (tx, by) => {
      const asked = await cancelOrder(tx, by, path.orderId, body, now());
      tx.afterCommit(() => this.partners.nudge());
      return asked;
    });
  }

  @Get('exchange-orders/:orderId/reversals')
  @Operation({
    summary: 'All wishes to take an order back, and what became of them',
    scope: 'exchange:read',
    answer: ReversalsView,
    problems: ['unknown-order'],
  })
  list(@Param() path: ExchangeOrderPath, @CauseOf() cause: Cause): Promise<ReversalsView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      const isSeen = await maySeeOrdersOf(tx, path.programme, path.partner, cause.client);
      if (!isSeen || !(await findOrder(tx, path.programme, path))) throw problem(404, 'unknown-order', 'the partner has no such order');
      return { reversals: await listReversals(tx, path, path.orderId) };
    });
  }

  @Post('reversals')
  @Operation({
    summary: 'Take many orders back',
    description:
      'Each stands for itself: what is refused of one hinders no other, and sending the same list again takes nothing back twice.',
    scope: 'exchange:write',
    status: 200,
    answer: ReversalBatchView,
    problems: ['unknown-partner', 'client-not-of-partner'],
  })
  async reverseMany(@Param() path: PartnerPath, @Body() body: ReverseOrders, @CauseOf() cause: Cause): Promise<Answer<ReversalBatchView>> {
    const { orderIds, ...wish } = body;
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(200, await askReversals(tx, reverserOf(path, cause), orderIds, wish, now()))),
    );
    const orders = await this.ends(path, asked.body);
    const outcomes = asked.body.map((one) => outcomeOf(one, orders.get(one.orderId)));
    const count = (outcome: ReversalOutcomeView['outcome']) => outcomes.filter((one) => one.outcome === outcome).length;
    return answer(200, { reversed: count('reversed'), underWay: count('under-way'), refused: count('refused'), outcomes }, asked.headers);
  }

  private async askOne(
    path: ExchangeOrderPath,
    cause: Cause,
    ask: (tx: Tx, by: Reverser) => Promise<Asked>,
  ): Promise<Answer<ExchangeOrderView>> {
    // As with orders: stored with the key is the beginning, the end is read from the row.
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const one = await ask(tx, reverserOf(path, cause));
        if ('problem' in one) throw problem(one.problem.status, one.problem.code, one.problem.detail, one.problem.facts);
        return answer(one.isNew ? 201 : 200, one);
      }),
    );
    const order = (await this.ends(path, [asked.body])).get(path.orderId);
    if (!order) throw new Error('assertion failed: an order that was asked for is there');
    const { orderId, partner, state, reversal } = order;
    if (state === 'reversing' || state === 'cancelling') return answer(202, order, asked.headers);
    if (state === 'completed') return refusedAnswer(reversal?.refusal, { orderId, partner, state }, asked.headers);
    return answer(state === 'refused' ? 200 : asked.status, order, asked.headers);
  }

  /** The orders once their reversals are over, or as they are at the deadline; by order id. */
  private async ends(path: PartnerPath, asked: readonly Asked[]): Promise<Map<string, ExchangeOrderView>> {
    // Waits before it looks: an end may come in between.
    const waits = asked.flatMap((one) => ('id' in one ? [{ ...one, over: this.waiting.until(one.id) }] : []));
    const read = () =>
      this.database.transaction(tenants(path.municipality), (tx) =>
        findOrders(
          tx,
          path,
          asked.map((one) => one.orderId),
        ),
      );
    const found = await read();
    const isOver = ({ orderId }: Asked) => isSettled(found.get(orderId)?.state ?? 'completed');
    for (const one of waits) if (isOver(one)) this.waiting.forget(one.id);
    if (waits.every(isOver)) return found;
    await Promise.all(waits.map((one) => one.over));
    return read();
  }
}

function reverserOf(path: PartnerPath, { client, scopes }: Cause): Reverser {
  return {
    ...{ municipality: path.municipality, programme: path.programme, partner: path.partner, client },
    isOnBehalf: scopes.has('exchange:on-behalf'),
    mayBeLate: scopes.has('exchange:reverse-late'),
    mayBringHistory: scopes.has('history:write'),
    traceparent: currentTraceparent(),
  };
}

function outcomeOf(asked: Asked, order: ExchangeOrderView | undefined): ReversalOutcomeView {
  const { orderId } = asked;
  const known = order ? { order } : {};
  if ('problem' in asked) return { orderId, outcome: 'refused', ...known, problem: asked.problem };
  if (order?.state === 'reversed') return { orderId, outcome: 'reversed', order };
  if (order?.state !== 'completed') return { orderId, outcome: 'under-way', ...known };
  const { code = 'refused', detail = '', facts } = order.reversal?.refusal ?? {};
  return { orderId, outcome: 'refused', order, problem: { status: 422, code, detail, ...(facts && { facts }) } };
}
