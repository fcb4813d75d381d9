import { Controller, Module } from '@nestjs/common';
import {
  postingCompletedV1,
  postingRequestedV1,
  type PostingCompleted,
  type PostingOutcome,
  type PostingRequested,
} from '@points/contracts';
import { everyTenant } from '@points/database';
import { httpMigrations } from '@points/http';
import { uuidv7 } from '@points/kernel';
import { event, messagingMigrations, OnEvent, publish, type BatchContext, type Received } from '@points/messaging';
import { ServiceConfig } from '@points/service';
import { testService } from '@points/service-testing';

type Asked = Pick<Received<PostingRequested>, 'data' | 'requester'>;

/** The ledger as this service meets it: it keeps the rules of balances, holds and references, in memory. */
export interface FakeLedger {
  /** What was asked, in order, repeated requests too. */
  readonly asked: readonly PostingRequested[];
  balance(holder: string): { balance: number; available: number };
  converted(scheme: string): number;
  /** At a shop, or with a negative number given back by it. */
  spend(holder: string, amount: number): void;
  /** Until `letGrantsGo`, nothing is taken back. */
  keepGrants(): void;
  letGrantsGo(): void;
  /** Until `speak`, nothing is answered; or nothing of one kind. */
  fallSilent(kind?: PostingRequested['instruction']['kind']): void;
  speak(): Promise<void>;
  close(): Promise<void>;
}

/** The programme whose period is over, and the one that nobody knows. */
export const closedProgramme = '141305-closed';
export const unknownProgramme = '141305-nowhere';
/** Takes back what was spent as a debt; every other programme refuses. */
export const debtProgramme = '141305-debt';

export async function fakeLedger(topicPrefix: string): Promise<FakeLedger> {
  const book = new Book();
  const asked: PostingRequested[] = [];
  const kept: Asked[] = [];
  let isKept: (one: Asked) => boolean = () => false;

  @Controller()
  class Ledger {
    @OnEvent(postingRequestedV1)
    async hear(events: Received<PostingRequested>[], { tx }: BatchContext): Promise<void> {
      asked.push(...events.map((one) => one.data));
      kept.push(...events.filter(isKept));
      await publish(tx, events.filter((one) => !isKept(one)).map(answerTo));
    }
  }
  @Module({ controllers: [Ledger] })
  class LedgerModule {}

  const answerTo = ({ data, requester }: Asked) => {
    const { reference, municipality, programme, account, instruction } = data;
    const completed: PostingCompleted = {
      reference,
      municipality,
      programme,
      account,
      kind: instruction.kind,
      outcome: book.post(data),
      completedAt: new Date().toISOString(),
    };
    return event(postingCompletedV1, completed, requester === undefined ? {} : { requester });
  };

  const service = await testService(
    {
      name: 'ledger',
      title: 'Ledger',
      description: 'A stand-in for tests.',
      module: LedgerModule,
      config: ServiceConfig,
      migrations: [...httpMigrations, ...messagingMigrations],
      reads: [postingRequestedV1],
    },
    { TOPIC_PREFIX: topicPrefix },
  );
  return {
    asked,
    balance: (holder) => book.balance(`holder:${holder}`),
    converted: (scheme) => book.balance(`scheme:${scheme}`).balance,
    spend: (holder, amount) => book.spend(`holder:${holder}`, amount),
    keepGrants: () => {
      book.isKeepingGrants = true;
    },
    letGrantsGo: () => {
      book.isKeepingGrants = false;
    },
    fallSilent: (kind) => {
      isKept = ({ data }) => kind === undefined || data.instruction.kind === kind;
    },
    speak: async () => {
      isKept = () => false;
      await service.database.transaction(everyTenant, (tx) => publish(tx, kept.splice(0).map(answerTo)));
    },
    close: () => service.close(),
  };
}

class Book {
  isKeepingGrants = false;
  private readonly outcomes = new Map<string, PostingOutcome>();
  private readonly balances = new Map<string, number>();
  private readonly holds = new Map<string, { account: string; amount: number }>();
  /** By reference; gone once taken back. */
  private readonly grants = new Map<string, { account: string; amount: number }>();

  balance(account: string): { balance: number; available: number } {
    const balance = this.balances.get(account) ?? 0;
    const held = [...this.holds.values()].filter((one) => one.account === account).reduce((sum, one) => sum + one.amount, 0);
    return { balance, available: balance - held };
  }

  spend(account: string, amount: number): void {
    this.add(account, -amount);
  }

  /** A repeated reference gets the first outcome again. */
  post(request: PostingRequested): PostingOutcome {
    const known = this.outcomes.get(request.reference);
    if (known) return known;
    const outcome = this.decide(request);
    this.outcomes.set(request.reference, outcome);
    return outcome;
  }

  private decide({ reference, programme, account, instruction, effectiveAt }: PostingRequested): PostingOutcome {
    const posted = (amount: number): PostingOutcome => ({
      status: 'posted',
      posting: uuidv7(),
      amount,
      effectiveAt: effectiveAt ?? new Date().toISOString(),
      ...this.balance(account),
    });
    if (programme === unknownProgramme) return { status: 'refused', code: 'unknown-programme', detail: 'there is no such programme' };
    if (programme === closedProgramme)
      return {
        status: 'refused',
        code: 'outside-period',
        detail: 'the period is over',
        facts: { firstDay: '2017-11-20', lastDay: '2018-11-30' },
      };
    const { available } = this.balance(account);
    switch (instruction.kind) {
      case 'issue':
        this.add(account, instruction.amount);
        this.grants.set(reference, { account, amount: instruction.amount });
        return posted(instruction.amount);
      case 'reverse': {
        if (this.isKeepingGrants) return { status: 'refused', code: 'programme-frozen', detail: 'the programme is frozen' };
        const grant = this.grants.get(instruction.of);
        if (grant?.account !== account) return { status: 'refused', code: 'unknown-posting', detail: 'no such grant' };
        const taken = Math.min(grant.amount, available);
        const owed = grant.amount - taken;
        if (owed > 0 && programme !== debtProgramme)
          return { status: 'refused', code: 'reverse-exceeds', detail: 'spent', facts: { needed: grant.amount, available: taken } };
        this.grants.delete(instruction.of);
        this.add(account, -taken);
        return { ...posted(taken), owed } as PostingOutcome;
      }
      case 'hold': {
        const { hold, amount } = instruction;
        if (amount > available)
          return { status: 'refused', code: 'insufficient-points', detail: 'not enough', facts: { needed: amount, available } };
        this.holds.set(hold, { account, amount });
        return posted(amount);
      }
      case 'capture': {
        const held = this.holds.get(instruction.hold);
        if (!held || held.amount !== instruction.amount) return { status: 'refused', code: 'hold-ended', detail: 'no such hold' };
        this.holds.delete(instruction.hold);
        this.add(account, -held.amount);
        this.add(instruction.to, held.amount);
        return posted(held.amount);
      }
      case 'release': {
        const held = this.holds.get(instruction.hold);
        if (!held) return { status: 'refused', code: 'hold-ended', detail: 'no such hold' };
        this.holds.delete(instruction.hold);
        return posted(held.amount);
      }
      default:
        throw new Error(`the exchange never asks for ${instruction.kind}`);
    }
  }

  private add(account: string, amount: number): void {
    this.balances.set(account, (this.balances.get(account) ?? 0) + amount);
  }
}
