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

type Kind = PostingRequested['instruction']['kind'];
type Asked = Pick<Received<PostingRequested>, 'data' | 'requester'>;

/** The ledger as this service meets it: it keeps the rules of balances, holds and references, in memory. */
export interface FakeLedger {
  /** What was asked, in order, repeated requests too. */
  readonly asked: readonly PostingRequested[];
  /** In all programmes together, or in one. */
  balance(holder: string, programme?: string): { balance: number; available: number };
  converted(scheme: string): number;
  /** At a shop, or with a negative number given back by it. */
  spend(holder: string, amount: number): void;
  /** Until `endRefusing`, postings of this kind in this programme are refused, as in one that is frozen. */
  refuse(programme: string, kind: Kind): void;
  endRefusing(): void;
  /** Until `letGrantsGo`, nothing is taken back. */
  keepGrants(): void;
  letGrantsGo(): void;
  /** Until `speak`, nothing is done or answered; or nothing of these kinds, and of those told before. */
  fallSilent(...kinds: readonly Kind[]): void;
  speak(): Promise<void>;
  close(): Promise<void>;
}

/** The programme whose period is over, and the one that nobody knows. */
export const closedProgramme = '141305-closed';
export const unknownProgramme = '141305-nowhere';
/** Take back what was spent as a debt, which the next grants pay; every other programme refuses. */
export const debtProgramme = '141305-debt';
export const debtReserve = '000001-debt';
const debtProgrammes: ReadonlySet<string> = new Set([debtProgramme, debtReserve]);

export async function fakeLedger(topicPrefix: string): Promise<FakeLedger> {
  const book = new Book();
  const asked: PostingRequested[] = [];
  const kept: Asked[] = [];
  const silentAbout = new Set<Kind>();
  let isSilent = false;

  @Controller()
  class Ledger {
    @OnEvent(postingRequestedV1)
    async hear(events: Received<PostingRequested>[], { tx }: BatchContext): Promise<void> {
      asked.push(...events.map((one) => one.data));
      const isKept = ({ data }: Asked) => isSilent || silentAbout.has(data.instruction.kind);
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
    balance: (holder, programme) => book.balance(`holder:${holder}`, programme),
    converted: (scheme) => book.balance(`scheme:${scheme}`).balance,
    spend: (holder, amount) => book.spend(`holder:${holder}`, amount),
    refuse: (programme, kind) => void book.refusing.add(`${programme} ${kind}`),
    endRefusing: () => book.refusing.clear(),
    keepGrants: () => {
      book.isKeepingGrants = true;
    },
    letGrantsGo: () => {
      book.isKeepingGrants = false;
    },
    fallSilent: (...kinds) => {
      isSilent ||= kinds.length === 0;
      for (const kind of kinds) silentAbout.add(kind);
    },
    speak: async () => {
      isSilent = false;
      silentAbout.clear();
      await service.database.transaction(everyTenant, (tx) => publish(tx, kept.splice(0).map(answerTo)));
    },
    close: () => service.close(),
  };
}

interface Account {
  readonly programme: string;
  readonly account: string;
}

class Book {
  isKeepingGrants = false;
  readonly refusing = new Set<string>();
  private readonly outcomes = new Map<string, PostingOutcome>();
  private readonly accounts = new Map<string, Account & { balance: number; debt: number }>();
  private readonly holds = new Map<string, Account & { amount: number }>();
  /** By reference; gone once taken back. */
  private readonly grants = new Map<string, Account & { amount: number }>();

  balance(account: string, programme?: string): { balance: number; available: number } {
    const isOf = (one: Account) => one.account === account && (programme === undefined || one.programme === programme);
    const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
    const of = programme === undefined ? [...this.accounts.values()].filter(isOf) : [this.accountOf({ programme, account })];
    const balance = sum(of.map((one) => one.balance));
    return { balance, available: balance - sum([...this.holds.values()].filter(isOf).map((one) => one.amount)) };
  }

  /** Wherever the account has points. */
  spend(account: string, amount: number): void {
    const of = [...this.accounts.values()].find((one) => one.account === account && one.balance !== 0);
    if (!of) throw new Error(`${account} has no account to spend from`);
    of.balance -= amount;
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
    const at = { programme, account };
    const posted = (amount: number): Extract<PostingOutcome, { status: 'posted' }> => ({
      status: 'posted',
      posting: uuidv7(),
      amount,
      effectiveAt: effectiveAt ?? new Date().toISOString(),
      ...this.balance(account, programme),
    });
    if (programme === unknownProgramme) return { status: 'refused', code: 'unknown-programme', detail: 'there is no such programme' };
    if (programme === closedProgramme)
      return {
        status: 'refused',
        code: 'outside-period',
        detail: 'the period is over',
        facts: { firstDay: '2017-11-20', lastDay: '2018-11-30' },
      };
    if (this.refusing.has(`${programme} ${instruction.kind}`))
      return { status: 'refused', code: 'programme-frozen', detail: 'the programme is frozen' };
    const { available } = this.balance(account, programme);
    switch (instruction.kind) {
      case 'issue': {
        const own = this.accountOf(at);
        const repaid = Math.min(own.debt, instruction.amount);
        own.balance += instruction.amount - repaid;
        own.debt -= repaid;
        this.grants.set(reference, { ...at, amount: instruction.amount });
        return { ...posted(instruction.amount), ...(repaid > 0 && { repaid }) };
      }
      case 'reverse': {
        if (this.isKeepingGrants) return { status: 'refused', code: 'programme-frozen', detail: 'the programme is frozen' };
        const grant = this.grants.get(instruction.of);
        if (grant?.account !== account || grant.programme !== programme)
          return { status: 'refused', code: 'unknown-posting', detail: 'no such grant' };
        const taken = Math.min(grant.amount, available);
        const owed = grant.amount - taken;
        if (owed > 0 && !debtProgrammes.has(programme))
          return { status: 'refused', code: 'reverse-exceeds', detail: 'spent', facts: { needed: grant.amount, available: taken } };
        this.grants.delete(instruction.of);
        const own = this.accountOf(at);
        own.balance -= taken;
        own.debt += owed;
        return { ...posted(taken), owed };
      }
      case 'hold': {
        const { hold, amount } = instruction;
        if (amount > available)
          return { status: 'refused', code: 'insufficient-points', detail: 'not enough', facts: { needed: amount, available } };
        this.holds.set(hold, { ...at, amount });
        return posted(amount);
      }
      case 'capture': {
        const held = this.holds.get(instruction.hold);
        if (!held || held.amount !== instruction.amount) return { status: 'refused', code: 'hold-ended', detail: 'no such hold' };
        this.holds.delete(instruction.hold);
        this.accountOf(at).balance -= held.amount;
        this.accountOf({ programme, account: instruction.to }).balance += held.amount;
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

  private accountOf({ programme, account }: Account): Account & { balance: number; debt: number } {
    const key = `${programme}/${account}`;
    const known = this.accounts.get(key) ?? { programme, account, balance: 0, debt: 0 };
    this.accounts.set(key, known);
    return known;
  }
}
