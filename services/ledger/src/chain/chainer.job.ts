import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { CLOCK, type Clock } from '../clock.js';
import { Chainer } from './chainer.js';

@Injectable()
export class ChainerJob implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly chainer: Chainer;

  constructor(@Inject(Database) database: Database, @Inject(CLOCK) now: Clock, @Inject(LOGGER) log: Logger) {
    this.chainer = new Chainer({ database, now, log });
  }

  onApplicationBootstrap(): void {
    this.chainer.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.chainer.stop();
  }
}
