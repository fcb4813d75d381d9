import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant, isTransient } from '@points/database';
import { uuidv7 } from '@points/kernel';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { bookUpload } from './book-upload.js';
import { checkUpload } from './check-upload.js';
import { LeaseLost, leaseSeconds, type Held } from './lease.js';
import { forgetUpload } from './receive-upload.js';
import { uploadColumns, type UploadRow } from './upload.js';

/** Of one replica: each takes a connection most of the time. A small file does not wait behind a large one. */
const uploadsAtOnceMax = 4;
const lookEveryMs = 500;
/** After trouble that may pass, by whichever worker. */
const retrySeconds = 2;

/** Works off the uploads that were received. Replicas share them: each is in the hands of one worker, under a lease. */
@Injectable()
export class WorkUploads implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly running = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isStopping = false;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.look(), lookEveryMs);
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    // What it claims last is released again, so it comes first.
    await this.looking;
    await Promise.all(this.running);
  }

  /** An upload has just been received. */
  nudge(): void {
    this.look();
  }

  private look(): void {
    if (this.isStopping || this.running.size >= uploadsAtOnceMax) return;
    this.looking ??= this.claim().finally(() => {
      this.looking = undefined;
    });
  }

  private async claim(): Promise<void> {
    try {
      const worker = uuidv7();
      const [uploads, silent] = await this.database.transaction(everyTenant, async (tx) => [
        await tx.query<UploadRow>(claimUploads, [worker, leaseSeconds, uploadsAtOnceMax - this.running.size]),
        await tx.query<{ id: string }>(selectSilent),
      ]);
      for (const upload of uploads) this.start({ upload, worker });
      for (const { id } of silent) await this.database.transaction(everyTenant, (tx) => forgetUpload(tx, id));
    } catch (error) {
      this.log.warn({ err: error }, 'could not look for uploads');
    }
  }

  private start(held: Held): void {
    const run = this.work(held).finally(() => {
      this.running.delete(run);
      this.look();
    });
    this.running.add(run);
  }

  private async work(held: Held): Promise<void> {
    const { upload } = held;
    const isStopping = () => this.isStopping;
    try {
      const checked = upload.state === 'booking' ? 'to-book' : await checkUpload(this.database, held, isStopping);
      if (checked === 'to-book') {
        const again = upload.state === 'booking' ? upload : await this.reload(held);
        await bookUpload({ database: this.database, held: { ...held, upload: again }, log: this.log, isStopping });
      }
      const { state, lines, bad, placed, completed, refused } = await this.reload(held);
      if (!this.isStopping) this.log.info({ upload: upload.id, state, lines, bad, placed, completed, refused }, 'upload worked off');
    } catch (error) {
      if (error instanceof LeaseLost) return;
      const level = isTransient(error) ? 'warn' : 'error';
      this.log[level]({ err: error, upload: upload.id }, 'work on an upload stopped; it goes on where it was');
    }
    await this.release(held).catch(() => undefined);
  }

  private async reload({ upload }: Held): Promise<UploadRow> {
    const [row] = await this.database.transaction(everyTenant, (tx) => tx.query<UploadRow>(selectUpload, [upload.id]));
    if (!row) throw new Error('assertion failed: an upload in the hands of a worker stays');
    return row;
  }

  /** So that the next worker need not wait for the lease to end. */
  private release({ upload, worker }: Held): Promise<number> {
    return this.database.transaction(everyTenant, (tx) => tx.write(releaseUpload, [upload.id, worker, this.isStopping ? 0 : retrySeconds]));
  }
}

const claimUploads = {
  name: 'claim_uploads',
  text: `
    update order_upload u set worker = $1, lease_until = now() + make_interval(secs => $2)
    where u.id in (
      select id from order_upload
      where state in ('received', 'checking', 'booking') and (lease_until is null or lease_until < now())
      order by id limit $3 for update skip locked)
    returning ${uploadColumns}`,
};

/** Files that stopped coming, whose receiver did not live to forget them. */
const selectSilent = {
  name: 'silent_uploads',
  text: `select id from order_upload where state = 'receiving' and lease_until < now() order by id limit 10`,
};

const selectUpload = { name: 'upload_by_id', text: `select ${uploadColumns} from order_upload u where u.id = $1` };

const releaseUpload = {
  name: 'release_upload',
  text: `update order_upload set lease_until = now() + make_interval(secs => $3) where id = $1 and worker = $2`,
};
