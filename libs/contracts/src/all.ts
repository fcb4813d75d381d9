import type { Contract } from './contract.js';
import { holderRegisteredV1 } from './holder-registered.v1.js';
import { orderFlaggedV1 } from './order-flagged.v1.js';
import { postingCompletedV1 } from './posting-completed.v1.js';
import { postingRequestedV1 } from './posting-requested.v1.js';
import { programmeChangedV1 } from './programme-changed.v1.js';
import { programmeClosingV1 } from './programme-closing.v1.js';

/** Every version of every event there is. */
export const contracts: readonly Contract[] = [
  holderRegisteredV1,
  postingRequestedV1,
  postingCompletedV1,
  programmeClosingV1,
  programmeChangedV1,
  orderFlaggedV1,
];

export interface TopicDefinition {
  readonly topic: string;
  readonly partitions: number;
}

/** Topics are made by the installation, never by a client. Partitions bound how many replicas of a service share the work. */
export const topics: readonly TopicDefinition[] = [...new Set(contracts.map((one) => one.topic))].map((topic) => ({
  topic,
  partitions: 4,
}));
