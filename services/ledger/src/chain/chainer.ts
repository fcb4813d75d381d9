import type { Database } from '@points/database';
import type { Instant } from '@points/kernel';
import type { Logger } from '@points/observability';
import type { Client } from 'pg';
import { prepareChainSession, sealNext, waitingProgrammes } from './seal.js';

export interface ChainerOptions {
  readonly database: Database;
  readonly now: () => Instant;
  readonly log: Logger;
  readonly tickMs?: number;
}

/**
 * Seals in the background what the door has posted. One owner among all ledger processes, held by a session's advisory lock;
 * everything happens over that session: when it is lost, so is the right to seal.
 */
export class Chainer {
  state: 'owner' | 'standby' | 'stopped' = 'stopped';
  private session: Client | undefined;
  private running: Promise<void> | undefined;
  private isStopping = false;
  private wake: (() => void) | undefined;
  private readonly tickMs: number;

  constructor(private readonly options: ChainerOptions) {
    this.tickMs = options.tickMs ?? tickMs;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** The block under way is finished; the lock goes to whoever waits for it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.wake?.();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.isStopping;) {
      try {
        await this.ownAndSeal(() => (failures = 0));
      } catch (error) {
        this.options.log.warn({ err: error }, 'the chainer failed and begins again');
        failures++;
        await this.rest(Math.min(failureDelayMsMax, this.tickMs * 2 ** failures));
      } finally {
        this.state = 'standby';
        await this.session?.end().catch(() => undefined);
        this.session = undefined;
      }
    }
    this.state = 'stopped';
  }

  private async ownAndSeal(onReached: () => void): Promise<void> {
    const session = await this.options.database.session('chainer');
    this.session = session;
    let lost: Error | undefined;
    session.on('error', (error) => {
      lost = error;
      this.wake?.();
    });
    await prepareChainSession(session);
    this.state = 'standby';
    while (!this.isStopping && !(await tryLock(session))) await this.rest(this.tickMs);
    onReached();
    this.state = 'owner';
    while (!this.isStopping) {
      if (lost) throw lost;
      const started = performance.now();
      const isMore = await this.sealAll(session);
      // With a backlog it works half of the time, so that the door always has the other half of its core.
      await this.rest(isMore ? performance.now() - started : this.tickMs);
    }
  }

  /** One block for each programme that has something; true when one of them has more. */
  private async sealAll(session: Client): Promise<boolean> {
    let isMore = false;
    for (const programme of await waitingProgrammes(session)) {
      if (this.isStopping) return false;
      const sealed = await sealNext(session, programme, this.options.now());
      if (!sealed) continue;
      isMore ||= sealed.isFull;
      const { block, transfers, rules, vanished } = sealed;
      if (vanished.length > 0)
        this.options.log.error(
          { programme, vanished: vanished.slice(0, 10), count: vanished.length },
          'transfers vanished before they were sealed',
        );
      this.options.log.debug({ programme, block, transfers, rules }, 'block sealed');
    }
    return isMore;
  }

  private rest(ms: number): Promise<void> {
    if (this.isStopping) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }
}

async function tryLock(session: Client): Promise<boolean> {
  const { rows } = await session.query<{ owner: boolean }>(
    `select pg_try_advisory_lock(hashtext('chain:' || current_schema()), 0) as owner`,
  );
  return rows[0]?.owner === true;
}

/** A block per programme and so many ms at most: a posting is sealed within a few seconds, and a busy year makes some million headers. */
const tickMs = 5_000;
const failureDelayMsMax = 60_000;
