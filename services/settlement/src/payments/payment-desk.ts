import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Database, isTransient, tenants, type Statement } from '@points/database';
import { nudgeRelay, outboxInsert, outboxRows, type OutgoingEvent } from '@points/messaging';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import type { Pool } from 'pg';
import { pipelinedTransaction } from './pipelined-transaction.js';
import { findByKeys, type PaymentFacts, type StoredPayment } from './stored-payment.js';

export interface NewPayment extends PaymentFacts {
  readonly client: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly holdUntil?: Date;
  /** What the ledger is asked. Its event id is the payment's id. */
  readonly request: OutgoingEvent;
}

/** `known`: the key was used before; this is the payment that was made with it. */
export type Taken = { readonly isNew: true } | { readonly isNew: false; readonly known: StoredPayment };

/** 256 rows are written in 3 ms; more would make those who come next wait longer than it saves. */
const flushPaymentsMax = 256;
const flushAttemptsMax = 4;

interface Entry {
  readonly payment: NewPayment;
  readonly resolve: (taken: Taken) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes new payments: those that arrive together share one transaction, so under load a payment costs a share of a commit. There is
 * one flush at a time and no timer: a payment that comes alone is written at once, and while a flush runs the next ones gather. Tried
 * with 256 callers on two busy cores: a second flush beside the first (8 % less, because each is smaller), and payments that wait up
 * to 10 ms for each other (15 % less).
 */
@Injectable()
export class PaymentDesk implements OnApplicationShutdown {
  private readonly pool: Pool;
  private queue: Entry[] = [];
  private isBusy = false;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.pool = database.pipelined(1);
  }

  take(payment: NewPayment): Promise<Taken> {
    return new Promise((resolve, reject) => {
      this.queue.push({ payment, resolve, reject });
      this.schedule();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }

  /** After the callbacks of this turn of the event loop: all requests that one read of the sockets brought are in. */
  private schedule(): void {
    if (this.isBusy || this.queue.length === 0) return;
    this.isBusy = true;
    setImmediate(() => void this.flush());
  }

  private async flush(): Promise<void> {
    await this.work(this.queue.splice(0, flushPaymentsMax));
    this.isBusy = false;
    this.schedule();
  }

  /** Never throws: what fails is told to the caller whose payment it is. */
  private async work(entries: readonly Entry[]): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        await this.write(entries);
        return;
      } catch (error) {
        if (isTransient(error) && attempt < flushAttemptsMax) {
          this.log.warn({ err: error, attempt, payments: entries.length }, 'flush of payments tried again');
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
          continue;
        }
        if (entries.length === 1 || isTransient(error)) {
          for (const one of entries) one.reject(error);
          return;
        }
        // One of them is poison: the others must not fail with it.
        for (const one of entries) await this.work([one]);
        return;
      }
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    const all = entries.map((one) => one.payment);
    const tenancy = tenants(...all.map((one) => one.tenant));
    const [result] = await pipelinedTransaction(this.pool, tenancy, [{ ...insertPayments, values: parametersOf(all) }]);
    nudgeRelay();
    // The common case needs no names: as many rows as payments means that every key was new.
    if (Number((result?.rows[0] as { claimed: string } | undefined)?.claimed) === all.length) {
      for (const one of entries) one.resolve({ isNew: true });
      return;
    }
    const stored = await this.database.transaction(tenancy, (tx) => findByKeys(tx, all));
    const byKey = new Map(stored.map((one) => [keyOf(one), one]));
    for (const { payment, resolve, reject } of entries) {
      const found = byKey.get(keyOf(payment));
      // Its own id: written now, or by an attempt whose commit was not heard.
      if (found?.id === payment.id) resolve({ isNew: true });
      else if (found) resolve({ isNew: false, known: found });
      else reject(new Error('assertion failed: a payment was neither written nor known'));
    }
  }
}

function keyOf({ tenant, client, key }: { tenant: string; client: string; key: string }): string {
  return `${tenant} ${client} ${key}`;
}

function parametersOf(payments: readonly NewPayment[]): unknown[] {
  return [
    payments.map((one) => one.tenant),
    payments.map((one) => one.id),
    payments.map((one) => one.programme),
    payments.map((one) => one.shop),
    payments.map((one) => one.holder),
    payments.map((one) => one.amount),
    payments.map((one) => one.capture),
    payments.map((one) => one.holdUntil?.toISOString() ?? null),
    payments.map((one) => one.terminal ?? null),
    payments.map((one) => one.receipt ?? null),
    payments.map((one) => one.client),
    payments.map((one) => one.key),
    payments.map((one) => one.fingerprint),
    payments.map((one) => one.createdAt.toISOString()),
    ...outboxRows(payments.map((one) => one.request)).values,
  ];
}

/**
 * Ordered by key, so that two flushes (of two replicas) with the same keys queue up instead of deadlocking. `do nothing` also lets
 * equal keys within one flush pass: the first is written. Only what was written is asked of the ledger; `is true` keeps the
 * look-up a hashed sub-plan, where a join would be a nested loop (see pipelinedTransaction).
 */
const insertPayments: Statement = {
  name: 'insert_payments',
  text: `
    with claimed as (
      insert into payment (tenant, id, programme, shop, holder, amount, capture, hold_until, terminal, receipt, client, key, fingerprint, created_at,
        state, captured, refunded)
      select i.*, 'pending', 0, 0
      from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::timestamptz[], $9::text[], $10::text[],
        $11::text[], $12::text[], $13::text[], $14::timestamptz[])
        as i (tenant, id, programme, shop, holder, amount, capture, hold_until, terminal, receipt, client, key, fingerprint, created_at)
      order by i.tenant, i.client, i.key
      on conflict do nothing
      returning id
    ), asked as (
      ${outboxInsert(15)} as o (slot, topic, key, type, event_id, tenant, requester, traceparent, payload)
      where (event_id in (select id from claimed)) is true
    )
    select count(*) as claimed from claimed`,
};
