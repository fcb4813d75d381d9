import type { TopicDefinition } from '@points/contracts';
import type { Logger } from '@points/observability';
import type { Admin } from 'kafkajs';
import { kafkaClient } from './kafka-client.js';

/**
 * Makes the topics that are missing and answers their names. For the installation: clients never make topics. A topic that exists is
 * left as it is, because another number of partitions would break the order of its keys.
 */
export async function createTopics(
  brokers: readonly string[],
  topics: readonly TopicDefinition[],
  options: { readonly prefix?: string; readonly log: Logger },
): Promise<string[]> {
  const admin = kafkaClient('installation', brokers, options.log).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = topics
      .map((one) => ({ ...one, topic: `${options.prefix ?? ''}${one.topic}` }))
      .filter((one) => !existing.has(one.topic));
    if (missing.length)
      await admin.createTopics({
        // kafkajs waits once and gives up when the broker has made the topic but does not tell of it yet; `untilLed` does not.
        waitForLeaders: false,
        topics: missing.map(({ topic, partitions }) => ({
          topic,
          numPartitions: partitions,
          // The broker's own default.
          replicationFactor: -1,
          configEntries: [{ name: 'retention.ms', value: String(topicRetentionDays * dayMs) }],
        })),
      });
    const made = missing.map((one) => one.topic);
    if (made.length) await untilLed(admin, made);
    return made;
  } finally {
    await admin.disconnect();
  }
}

/** A topic can be used when each of its partitions has a leader. @throws the last trouble after `leadersMsMax` */
async function untilLed(admin: Admin, topics: readonly string[]): Promise<void> {
  const deadline = Date.now() + leadersMsMax;
  for (;;) {
    let trouble: unknown = new Error(`topics without a leader after ${leadersMsMax} ms`);
    try {
      const { topics: told } = await admin.fetchTopicMetadata({ topics: [...topics] });
      if (told.length === topics.length && told.every((one) => one.partitions.length > 0 && one.partitions.every((part) => part.leader >= 0))) return;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() > deadline) throw trouble;
    await new Promise((resolve) => setTimeout(resolve, leadersPollMs));
  }
}

const leadersMsMax = 30_000;
const leadersPollMs = 50;
const dayMs = 86_400_000;

/** How long a service may be away without losing a fact. */
export const topicRetentionDays = 14;

/** Longer than a topic keeps its events, so that an event read again from the topic's beginning is still known. */
export const inboxRetentionDays = 21;
