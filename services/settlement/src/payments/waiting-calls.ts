import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { Answers } from '@points/http';
import { findPayment, type PaymentOutcome } from './stored-payment.js';

/** The HTTP calls of this process that wait for the ledger, by id of payment or action. */
@Injectable()
export class WaitingCalls implements OnApplicationShutdown {
  private readonly payments = new Answers<PaymentOutcome | undefined>();
  private readonly actions = new Answers<true>();
  private readonly waiting = new Map<string, { readonly kind: 'payment' | 'action'; readonly tenant: string }>();

  constructor(@Inject(Database) private readonly database: Database) {}

  /** Call it before the ledger is asked: an outcome that arrives earlier is not kept. Undefined past the deadline. */
  async payment(tenant: string, id: string, deadlineMs: number): Promise<PaymentOutcome | undefined> {
    this.waiting.set(id, { kind: 'payment', tenant });
    const outcome = await this.payments.wait(id, deadlineMs);
    this.waiting.delete(id);
    return outcome;
  }

  async action(tenant: string, id: string, deadlineMs: number): Promise<void> {
    this.waiting.set(id, { kind: 'action', tenant });
    await this.actions.wait(id, deadlineMs);
    this.waiting.delete(id);
  }

  isWaiting(id: string): boolean {
    return this.waiting.has(id);
  }

  /** With no outcome the call is told "not yet" at once. */
  wakePayment(id: string, outcome: PaymentOutcome | undefined): void {
    this.payments.wake(id, outcome);
  }

  wakeAction(id: string): void {
    this.actions.wake(id, true);
  }

  /** Another replica may have written what these calls wait for. */
  async lookUp(ids: readonly string[]): Promise<void> {
    const mine = ids.flatMap((id) => {
      const call = this.waiting.get(id);
      return call ? [{ id, ...call }] : [];
    });
    if (mine.length === 0) return;
    await this.database.transaction(tenants(...mine.map((one) => one.tenant)), async (tx) => {
      for (const { id, kind, tenant } of mine)
        if (kind === 'payment') {
          const payment = await findPayment(tx, tenant, id);
          if (payment && payment.state !== 'pending' && payment.state !== 'cancelling') this.wakePayment(id, payment);
        } else {
          const [decided] = await tx.query(`select 1 from payment_action where tenant = $1 and id = $2 and state <> 'pending'`, [
            tenant,
            id,
          ]);
          if (decided) this.wakeAction(id);
        }
    });
  }

  lookUpAll(): Promise<void> {
    return this.lookUp([...this.waiting.keys()]);
  }

  onApplicationShutdown(): void {
    this.payments.stop();
    this.actions.stop();
  }
}
