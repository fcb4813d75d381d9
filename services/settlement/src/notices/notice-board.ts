import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { HolderCache } from '../holders/holder-cache.js';
import { WaitingCalls } from '../payments/waiting-calls.js';
import { ShopCache } from '../shops/shop-cache.js';
import { noticeChannel, readNotice } from './notices.js';

const reconnectMsMin = 200;
const reconnectMsMax = 10_000;

/** Hears what the other replicas tell. A lost connection is made again; what it may have missed is looked up or forgotten. */
@Injectable()
export class NoticeBoard implements OnApplicationBootstrap, OnApplicationShutdown {
  private session: Awaited<ReturnType<Database['session']>> | undefined;
  private isStopped = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(ShopCache) private readonly shops: ShopCache,
    @Inject(HolderCache) private readonly holders: HolderCache,
    @Inject(WaitingCalls) private readonly calls: WaitingCalls,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.listen(reconnectMsMin);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.retry);
    await this.session?.end().catch(() => undefined);
  }

  private async listen(waitMs: number): Promise<void> {
    try {
      const session = await this.database.session('notices');
      this.session = session;
      session.on('notification', ({ payload }) => this.hear(payload));
      session.on('error', () => this.again(waitMs));
      await session.query(`listen ${noticeChannel}`);
      this.shops.forgetAll();
      this.holders.forgetAll();
      await this.calls.lookUpAll();
    } catch (error) {
      this.log.warn({ err: error, waitMs }, 'notices of other replicas are not heard; trying again');
      this.again(waitMs);
    }
  }

  private again(waitMs: number): void {
    void this.session?.end().catch(() => undefined);
    this.session = undefined;
    if (this.isStopped) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.listen(Math.min(waitMs * 2, reconnectMsMax)), waitMs * (0.5 + Math.random()));
  }

  private hear(payload: string | undefined): void {
    const notice = readNotice(payload);
    if (!notice) return;
    switch (notice.kind) {
      case 'payments':
      case 'actions':
        void this.calls
          .lookUp(notice.ids)
          .catch((error: unknown) => this.log.warn({ err: error }, 'a payment told by another replica could not be read'));
        return;
      case 'shops':
        for (const [tenant = '', shop = ''] of notice.ids.map((id) => id.split('/'))) this.shops.forget(tenant, shop);
        return;
      case 'holders':
        this.holders.forget(notice.ids);
    }
  }
}
