import { Inject, Injectable } from '@nestjs/common';
import { postingRequestedV1 } from '@points/contracts';
import { Database, tenants } from '@points/database';
import { keyReused, problem, type Answer, type Cause } from '@points/http';
import { points, uuidv7 } from '@points/kernel';
import { event, type OutgoingEvent } from '@points/messaging';
import { currentTraceparent, type Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { HolderCache } from '../holders/holder-cache.js';
import { decideAcceptance, placesOf, type Shop } from '../rules/acceptance.js';
import { holdDaysMax } from '../rules/limits.js';
import { referenceText } from '../rules/references.js';
import { SettlementConfig } from '../settlement.config.js';
import { ShopCache } from '../shops/shop-cache.js';
import { answerPayment } from './payment-answers.js';
import { PaymentDesk, type NewPayment } from './payment-desk.js';
import type { PaymentView, TakePayment } from './payment-shapes.js';
import { findByKeys, findPayment, type StoredPayment } from './stored-payment.js';
import { WaitingCalls } from './waiting-calls.js';

/** The whole of a payment: accept, write and ask the ledger, wait for its fact, answer. */
@Injectable()
export class Till {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(SettlementConfig) private readonly config: SettlementConfig,
    @Inject(ShopCache) private readonly shops: ShopCache,
    @Inject(HolderCache) private readonly holders: HolderCache,
    @Inject(PaymentDesk) private readonly desk: PaymentDesk,
    @Inject(WaitingCalls) private readonly calls: WaitingCalls,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async take(programme: string, body: TakePayment, cause: Cause): Promise<Answer<PaymentView>> {
    const key = keyOf(cause);
    const [shop, holder] = [await this.shops.find(key.tenant, body.shop), await this.holders.find(body.myKeyId)];
    const accepted = decideAcceptance({ programme, shop, holder });
    if (!accepted.ok) {
      // A shop suspended since must not hide what a repeated request was answered.
      const [known] = await this.database.transaction(tenants(key.tenant), (tx) => findByKeys(tx, [key]));
      if (known) return this.repeat(known, cause);
      throw problem(422, accepted.refusal.code, accepted.refusal.detail);
    }

    const payment = newPayment({ programme, body, cause, key, now: new Date(), ...accepted.value });
    const decided = this.calls.payment(payment.tenant, payment.id, this.config.PAYMENT_DEADLINE_MS);
    const taken = await this.desk.take(payment).catch((error: unknown) => {
      this.calls.wakePayment(payment.id, undefined);
      throw error;
    });
    if (!taken.isNew) {
      this.calls.wakePayment(payment.id, undefined);
      return this.repeat(taken.known, cause);
    }
    const outcome = await decided;
    this.log.info({ payment: payment.id, shop: payment.shop, state: outcome?.state ?? 'pending' }, 'payment answered');
    if (outcome) return answerPayment({ ...payment, ...outcome, ...(outcome.state !== 'authorised' && { holdUntil: undefined }) });
    // Past the deadline. The fact may be in the table already, if another replica read it and its notice was lost.
    const now = await this.database.transaction(tenants(payment.tenant), (tx) => findPayment(tx, payment.tenant, payment.id));
    return answerPayment(now ?? { ...payment, state: 'pending', captured: points(0), refunded: points(0) });
  }

  private repeat(known: StoredPayment, cause: Cause): Answer<PaymentView> {
    if (known.fingerprint !== cause.fingerprint) throw keyReused();
    if (known.state === 'pending' && known.createdAt.getTime() + this.config.PAYMENT_DEADLINE_MS > Date.now())
      throw problem(409, 'request-in-progress', 'a request with this Idempotency-Key is still being worked on; ask again shortly');
    return answerPayment(known, { 'idempotency-replayed': 'true' });
  }
}

export interface PaymentKey {
  readonly tenant: string;
  readonly client: string;
  readonly key: string;
}

/** The guard has refused a POST without a key. */
export function keyOf({ municipality: tenant, client, idempotencyKey: key }: Cause): PaymentKey {
  if (key === undefined) throw new Error('assertion failed: the guard let a request without Idempotency-Key pass');
  return { tenant, client, key };
}

function newPayment(facts: {
  programme: string;
  body: TakePayment;
  cause: Cause;
  key: PaymentKey;
  now: Date;
  shop: Shop;
  holder: string;
}): NewPayment {
  const { programme, body, cause, key, now, shop, holder } = facts;
  const id = uuidv7();
  const capture = body.capture ?? 'now';
  const holdUntil = capture === 'later' ? new Date(now.getTime() + holdDaysMax * 86_400_000) : undefined;
  return {
    ...key,
    id,
    programme,
    shop: shop.id,
    holder,
    amount: points(body.amount),
    capture,
    createdAt: now,
    fingerprint: cause.fingerprint,
    ...(holdUntil && { holdUntil }),
    ...(body.terminal !== undefined && { terminal: body.terminal }),
    ...(body.receipt !== undefined && { receipt: body.receipt }),
    request: requestOf({ id, programme, holder, shop, amount: body.amount, client: key.client, tenant: key.tenant, holdUntil }),
  };
}

function requestOf(asked: {
  id: string;
  programme: string;
  holder: string;
  shop: Shop;
  amount: number;
  client: string;
  tenant: string;
  holdUntil: Date | undefined;
}): OutgoingEvent {
  const { id, holdUntil, amount, shop } = asked;
  const places = placesOf(shop);
  const outgoing = event(
    postingRequestedV1,
    {
      reference: referenceText({ kind: 'opening', payment: id }),
      municipality: asked.tenant,
      programme: asked.programme,
      account: `holder:${asked.holder}`,
      instruction: holdUntil
        ? // toISOString is the canonical text of an instant.
          { kind: 'hold', hold: id, amount, places, expiresAt: holdUntil.toISOString() }
        : { kind: 'spend', amount, to: `merchant:${shop.id}`, places },
      cause: { actor: asked.client },
    },
    // Read here, in the request: the flush that writes it belongs to many requests.
    { id, requester: 'settlement', traceparent: currentTraceparent() },
  );
  // The contract of the data is what `event` has just checked it against.
  return outgoing;
}
