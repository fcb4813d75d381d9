import { Controller, Module } from '@nestjs/common';
import {
  postingCompletedV1,
  postingRequestedV1,
  type Instruction,
  type PostingCompleted,
  type PostingOutcome,
  type PostingRequested,
} from '@points/contracts';
import type { Instant } from '@points/kernel';
import { event, messagingMigrations, OnEvent, publish, type BatchContext, type Received } from '@points/messaging';
import { httpMigrations } from '@points/http';
import { ServiceConfig, type ServiceDefinition } from '@points/service';

interface Hold {
  left: number;
  isOpen: boolean;
}

/**
 * Stands in for the ledger in tests of this service and keeps its rules: points are not spent twice, a hold is captured up to its
 * amount, a refund never exceeds what it is of, and a repeated reference gets the first outcome again.
 */
export class FakeLedger {
  private readonly balances = new Map<string, number>();
  private readonly held = new Map<string, number>();
  private readonly holds = new Map<string, Hold>();
  private readonly takings = new Map<string, number>();
  private readonly outcomes = new Map<string, PostingOutcome>();
  readonly requests: PostingRequested[] = [];
  /** Awaited before anything is answered: a test makes the ledger slow with it. */
  gate: Promise<void> = Promise.resolve();

  give(holder: string, points: number): void {
    this.balances.set(`holder:${holder}`, points);
  }

  balanceOf(holder: string): number {
    return this.balances.get(`holder:${holder}`) ?? 0;
  }

  availableOf(account: string): number {
    return (this.balances.get(account) ?? 0) - (this.held.get(account) ?? 0);
  }

  post(request: PostingRequested): PostingCompleted {
    this.requests.push(request);
    const { reference, municipality, programme, account, instruction } = request;
    const outcome = this.outcomes.get(reference) ?? this.decide(request.account, request.reference, instruction);
    this.outcomes.set(reference, outcome);
    return { reference, municipality, programme, account, kind: instruction.kind, outcome, completedAt: now() };
  }

  private decide(account: string, reference: string, instruction: Instruction): PostingOutcome {
    const available = this.availableOf(account);
    switch (instruction.kind) {
      case 'spend':
        if (instruction.amount > available) return insufficient(instruction.amount, available);
        if (instruction.places.includes('shop:elsewhere')) return refused('not-usable-here');
        this.move(account, -instruction.amount);
        this.takings.set(reference, instruction.amount);
        return this.posted(account, instruction.amount);
      case 'hold':
        if (instruction.amount > available) return insufficient(instruction.amount, available);
        this.holds.set(instruction.hold, { left: instruction.amount, isOpen: true });
        this.reserve(account, instruction.amount);
        return this.posted(account, instruction.amount);
      case 'capture': {
        const hold = this.holds.get(instruction.hold);
        if (!hold?.isOpen) return refused('hold-ended');
        if (instruction.amount > hold.left) return refused('hold-exceeded');
        this.reserve(account, instruction.final ? -hold.left : -instruction.amount);
        hold.left -= instruction.amount;
        hold.isOpen = !instruction.final && hold.left > 0;
        this.move(account, -instruction.amount);
        this.takings.set(reference, instruction.amount);
        return this.posted(account, instruction.amount);
      }
      case 'release': {
        const hold = this.holds.get(instruction.hold);
        if (!hold?.isOpen) return refused('hold-ended');
        hold.isOpen = false;
        this.reserve(account, -hold.left);
        return this.posted(account, hold.left);
      }
      case 'refund': {
        const left = this.takings.get(instruction.of);
        if (left === undefined) return refused('unknown-posting');
        if (instruction.amount > left) return refused('refund-exceeds');
        this.takings.set(instruction.of, left - instruction.amount);
        this.move(account, instruction.amount);
        return this.posted(account, instruction.amount);
      }
      default:
        return refused('not-allowed');
    }
  }

  private move(account: string, points: number): void {
    this.balances.set(account, (this.balances.get(account) ?? 0) + points);
  }

  private reserve(account: string, points: number): void {
    this.held.set(account, (this.held.get(account) ?? 0) + points);
  }

  private posted(account: string, amount: number): PostingOutcome {
    return {
      status: 'posted',
      posting: '0193579b-0000-7000-8000-000000000001',
      amount,
      effectiveAt: now(),
      balance: this.balances.get(account) ?? 0,
      available: this.availableOf(account),
    };
  }
}

/** The fake as a service of its own, on a real database and broker. */
export function fakeLedgerService(ledger: FakeLedger): ServiceDefinition {
  @Controller()
  class OnPostingRequested {
    @OnEvent(postingRequestedV1)
    async onRequested(events: Received<PostingRequested>[], { tx }: BatchContext): Promise<void> {
      await ledger.gate;
      await publish(
        tx,
        events.map(({ data, requester }) =>
          event(postingCompletedV1, ledger.post(data), { ...(requester !== undefined && { requester }) }),
        ),
      );
    }
  }
  @Module({ controllers: [OnPostingRequested] })
  class FakeLedgerModule {}

  return {
    name: 'ledger',
    title: 'Fake ledger',
    description: 'Keeps the rules of the ledger for tests.',
    module: FakeLedgerModule,
    config: ServiceConfig,
    migrations: [...messagingMigrations, ...httpMigrations],
    reads: [postingRequestedV1],
  };
}

function refused(code: string): PostingOutcome {
  return { status: 'refused', code, detail: `refused: ${code}` };
}

function insufficient(needed: number, available: number): PostingOutcome {
  return { ...refused('insufficient-points'), facts: { needed, available } } as PostingOutcome;
}

function now(): Instant {
  // toISOString is the canonical text of an instant.
  return new Date().toISOString() as Instant;
}
