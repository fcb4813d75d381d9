import type { TopicDefinition } from '@points/contracts';
import type { Logger } from '@points/observability';
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
        waitForLeaders: true,
        topics: missing.map(({ topic, partitions }) => ({
          topic,
          numPartitions: partitions,
          // The broker's own default.
          replicationFactor: -1,
          configEntries: [{ name: 'retention.ms', value: String(topicRetentionDays * dayMs) }],
        })),
      });
    return missing.map((one) => one.topic);
  } finally {
    await admin.disconnect();
  }
}

const dayMs = 86_400_000;

/** How long a service may be away without losing a fact. */
export const topicRetentionDays = 14;

/** Longer than a topic keeps its events, so that an event read again from the topic's beginning is still known. */
export const inboxRetentionDays = 21;
