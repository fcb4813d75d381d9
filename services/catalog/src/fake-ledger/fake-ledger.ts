import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { holderRegisteredV1, postingCompletedV1, postingRequestedV1, type PostingOutcome, type PostingRequested } from '@points/contracts';
import { everyTenant } from '@points/database';
import { unreachable, uuidv7 } from '@points/kernel';
import { event, Messaging, messagingMigrations, OnEvent, publish, type BatchContext, type Received } from '@points/messaging';
import { metrics } from '@points/observability';
import { freshDatabase, quietLogger } from '@points/testing';

/** For tests: speaks the ledger's contract over the real broker and keeps its rules as far as the catalogue can see them. */
export interface FakeLedger {
  /** What was asked, each reference once. */
  readonly asked: readonly PostingRequested[];
  balance(holder: string): number;
  grant(holder: string, amount: number): void;
  /** Says nothing until `resume`. */
  pause(): void;
  resume(): Promise<void>;
  /** As the identity service tells it. */
  registerHolder(holder: string, myKeyId: string): Promise<void>;
  stop(): Promise<void>;
}

type Question = Received<PostingRequested>;

export async function startFakeLedger({ brokers, prefix }: { brokers: readonly string[]; prefix: string }): Promise<FakeLedger> {
  const fresh = await freshDatabase('ledger', messagingMigrations);
  const { database } = fresh;
  const balances = new Map<string, number>();
  const answered = new Map<string, { request: PostingRequested; outcome: PostingOutcome }>();
  let held: Question[] | undefined;

  @Controller()
  class OnPostingRequested {
    @OnEvent(postingRequestedV1)
    async onRequested(events: Question[], { tx }: BatchContext): Promise<void> {
      if (held) held.push(...events);
      else await publish(tx, events.map(reply));
    }
  }
  @Module({ controllers: [OnPostingRequested] })
  class FakeLedgerModule {}

  const messaging = new Messaging({
    service: 'ledger',
    brokers,
    database,
    log: quietLogger('ledger'),
    registry: metrics('ledger', { process: false }).registry,
    contracts: [postingRequestedV1],
    topicPrefix: prefix,
  });
  const app = await NestFactory.createMicroservice(FakeLedgerModule, { strategy: messaging.strategy, logger: false });
  await app.listen();
  messaging.start();
  await messaging.strategy.joined();

  function reply({ data, requester }: Question) {
    const outcome = answered.get(data.reference)?.outcome ?? decide(data);
    answered.set(data.reference, { request: data, outcome });
    const { reference, municipality, programme, account, instruction } = data;
    const completed = {
      reference,
      municipality,
      programme,
      account,
      kind: instruction.kind,
      outcome,
      completedAt: new Date().toISOString(),
    };
    return event(postingCompletedV1, completed, requester === undefined ? {} : { requester });
  }

  function decide({ account, instruction }: PostingRequested): PostingOutcome {
    const balance = balances.get(account) ?? 0;
    switch (instruction.kind) {
      case 'issue':
        return post(account, balance, instruction.amount);
      case 'spend':
      case 'donate':
        if (balance >= instruction.amount) return post(account, balance, -instruction.amount);
        return {
          status: 'refused',
          code: 'insufficient-points',
          detail: `${balance} points are there, ${instruction.amount} are needed`,
          facts: { balance, needed: instruction.amount },
        };
      case 'refund':
        if (answered.get(instruction.of)?.outcome.status === 'posted') return post(account, balance, instruction.amount);
        return { status: 'refused', code: 'unknown-posting', detail: 'nothing was posted under this reference' };
      case 'hold':
      case 'capture':
      case 'release':
      case 'convert':
      case 'transfer':
      case 'reverse':
        throw new Error(`the catalogue never asks to ${instruction.kind}`);
      default:
        return unreachable(instruction);
    }
  }

  function post(account: string, before: number, change: number): PostingOutcome {
    const balance = before + change;
    balances.set(account, balance);
    return {
      status: 'posted',
      posting: uuidv7(),
      amount: Math.abs(change),
      effectiveAt: new Date().toISOString(),
      balance,
      available: balance,
    };
  }

  return {
    get asked() {
      return [...answered.values()].map((one) => one.request);
    },
    balance: (holder) => balances.get(`holder:${holder}`) ?? 0,
    grant: (holder, amount) => balances.set(`holder:${holder}`, amount),
    pause: () => (held = []),
    resume: async () => {
      const questions = held ?? [];
      held = undefined;
      await database.transaction(everyTenant, (tx) => publish(tx, questions.map(reply)));
    },
    registerHolder: (holder, myKeyId) =>
      database.transaction(everyTenant, (tx) =>
        publish(tx, [event(holderRegisteredV1, { holder, myKeyId, registeredAt: new Date().toISOString() })]),
      ),
    stop: async () => {
      await messaging.stop();
      await app.close();
      await fresh.close();
    },
  };
}
