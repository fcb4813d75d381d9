import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { CauseOf, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { points, uuidv7 } from '@points/kernel';
import { SettlementConfig } from '../settlement.config.js';
import { askAction, type Asked } from './ask-action.js';
import { actionView, answerAction, viewOf } from './payment-answers.js';
import {
  ActedPaymentView,
  CancelPayment,
  CapturePayment,
  PaymentPath,
  PaymentView,
  PaymentWithActionsView,
  RefundPayment,
  TakePayment,
} from './payment-shapes.js';
import { actionsOf, findPayment } from './stored-payment.js';
import { keyOf, Till } from './take-payment.js';
import { WaitingCalls } from './waiting-calls.js';

const ledgerCodes = ['insufficient-points', 'not-usable-here', 'lot-expired', 'programme-frozen', 'outside-period', 'unknown-programme'];

@Controller('v1/municipalities/:municipality/programmes/:programme/payments')
export class PaymentsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(SettlementConfig) private readonly config: SettlementConfig,
    @Inject(Till) private readonly till: Till,
    @Inject(WaitingCalls) private readonly calls: WaitingCalls,
  ) {}

  @Post()
  @Operation({
    summary: 'Pay at a shop',
    description:
      'Answers when the ledger has. 202: it has not answered within the deadline; ask at Location, or cancel. The payment ends by itself, as captured (or authorised) or refused.',
    scope: 'payments:write',
    status: 201,
    answer: PaymentView,
    also: { 202: PaymentView },
    problems: [
      'unknown-shop',
      'shop-suspended',
      'programme-not-taken',
      'unknown-my-key-id',
      'payment-cancelled',
      'payment-lapsed',
      ...ledgerCodes,
    ],
  })
  pay(@Param() path: ProgrammePath, @Body() body: TakePayment, @CauseOf() cause: Cause): Promise<Answer<PaymentView>> {
    return this.till.take(path.programme, body, cause);
  }

  @Get(':payment')
  @Operation({
    summary: 'Read a payment and what was asked of it',
    scope: 'payments:read',
    answer: PaymentWithActionsView,
    problems: ['unknown-payment'],
  })
  read(@Param() path: PaymentPath): Promise<PaymentWithActionsView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      const payment = await findPayment(tx, path.municipality, path.payment);
      if (!payment || payment.programme !== path.programme) throw unknownPayment();
      return { ...viewOf(payment), actions: (await actionsOf(tx, path.municipality, path.payment)).map(actionView) };
    });
  }

  @Post(':payment/captures')
  @Operation({
    summary: 'Capture an authorised payment, whole or in part',
    scope: 'payments:write',
    status: 201,
    answer: ActedPaymentView,
    also: { 202: ActedPaymentView },
    problems: [
      'unknown-payment',
      'payment-not-authorised',
      'payment-being-cancelled',
      'payment-busy',
      'capture-exceeds',
      'too-many-captures',
      'hold-ended',
    ],
  })
  capture(
    @Param() path: PaymentPath,
    @Body() { amount, final }: CapturePayment,
    @CauseOf() cause: Cause,
  ): Promise<Answer<ActedPaymentView>> {
    return this.act(path, cause, {
      kind: 'capture',
      ...(amount !== undefined && { amount: points(amount) }),
      ...(final !== undefined && { final }),
    });
  }

  @Post(':payment/refunds')
  @Operation({
    summary: 'Give captured points back, whole or in part',
    scope: 'payments:write',
    status: 201,
    answer: ActedPaymentView,
    also: { 202: ActedPaymentView },
    problems: ['unknown-payment', 'payment-not-captured', 'payment-being-cancelled', 'payment-ended', 'refund-exceeds'],
  })
  refund(@Param() path: PaymentPath, @Body() { amount }: RefundPayment, @CauseOf() cause: Cause): Promise<Answer<ActedPaymentView>> {
    return this.act(path, cause, { kind: 'refund', amount: points(amount) });
  }

  @Post(':payment/cancellations')
  @Operation({
    summary: 'Undo a payment: release what is held, refund what was captured',
    description: 'A payment that the ledger has not answered yet is undone when it has.',
    scope: 'payments:write',
    status: 201,
    answer: ActedPaymentView,
    also: { 202: ActedPaymentView },
    problems: ['unknown-payment', 'payment-being-cancelled', 'payment-busy', 'payment-ended'],
  })
  cancel(@Param() path: PaymentPath, @Body() _: CancelPayment, @CauseOf() cause: Cause): Promise<Answer<ActedPaymentView>> {
    return this.act(path, cause, { kind: 'cancellation' });
  }

  private async act(path: PaymentPath, cause: Cause, asked: Asked): Promise<Answer<ActedPaymentView>> {
    const { municipality: tenant, programme, payment } = path;
    const [id, deadlineMs] = [uuidv7(), this.config.PAYMENT_DEADLINE_MS];
    const decided = this.calls.action(tenant, id, deadlineMs);
    const taken = await this.database
      .transaction(tenants(tenant), (tx) =>
        askAction(tx, { programme, payment, key: keyOf(cause), fingerprint: cause.fingerprint, asked, id }, new Date()),
      )
      .catch((error: unknown) => {
        this.calls.wakeAction(id);
        throw error;
      });
    if (taken.isNew) await decided;
    else this.calls.wakeAction(id);
    return this.database.transaction(tenants(tenant), async (tx) => {
      const [now, actions] = [await findPayment(tx, tenant, payment), await actionsOf(tx, tenant, payment)];
      const action = actions.find((one) => one.id === (taken.isNew ? id : taken.known.id));
      if (!now || !action) throw unknownPayment();
      if (!taken.isNew && action.state === 'pending' && action.createdAt.getTime() + deadlineMs > Date.now())
        throw problem(409, 'request-in-progress', 'a request with this Idempotency-Key is still being worked on; ask again shortly');
      return answerAction(now, action, taken.isNew ? undefined : { 'idempotency-replayed': 'true' });
    });
  }
}

function unknownPayment() {
  return problem(404, 'unknown-payment', 'this programme has no such payment');
}
