import type { Logger } from '@points/observability';
import type { Kafka } from 'kafkajs';
import { kafkaClient } from './kafka-client.js';

/** Knows whether the broker answers: by the answers that producer and consumer get anyway, and by a question of its own when both are silent. */
export class BrokerWatch {
  private answeredAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private asking: Promise<void> | undefined;

  private readonly kafka: Kafka;

  constructor(service: string, brokers: readonly string[], log: Logger) {
    this.kafka = kafkaClient(service, brokers, log, silenceMs);
  }

  start(): void {
    void this.ask();
    this.timer = setInterval(() => {
      if (Date.now() - this.answeredAt >= silenceMs) void this.ask();
    }, silenceMs);
    this.timer.unref();
  }

  /** Called for every answer of the broker. */
  readonly answered = (): void => {
    this.answeredAt = Date.now();
  };

  /** Called when a send or a connection failed. */
  readonly failed = (): void => {
    this.answeredAt = 0;
  };

  isAnswering(): boolean {
    return Date.now() - this.answeredAt < answerAgeMaxMs;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.race([this.asking, new Promise((resolve) => setTimeout(resolve, stopMsMax).unref())]);
  }

  private ask(): Promise<void> {
    this.asking ??= this.askOnce().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async askOnce(): Promise<void> {
    const admin = this.kafka.admin({ retry: { retries: 0 } });
    try {
      await admin.connect();
      await admin.describeCluster();
      this.answered();
    } catch {
      this.failed();
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}

const stopMsMax = 500;
const silenceMs = 2_000;
/** Two questions and the patience of one connection attempt. */
const answerAgeMaxMs = 8_000;
