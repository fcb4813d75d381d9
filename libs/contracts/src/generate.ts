import { topics } from './all.js';
import type { Contract } from './contract.js';
import { samplesOf } from './samples.js';

/** The files in `generated/`, by path: a JSON Schema per event version and one AsyncAPI 3 document over all of them. */
export function generatedFiles(contracts: readonly Contract[]): Map<string, object> {
  const files = new Map<string, object>(contracts.map((one) => [`schemas/${one.type}.schema.json`, jsonSchemaOf(one)]));
  return files.set('asyncapi.json', asyncApiOf(contracts));
}

export function jsonSchemaOf(contract: Contract): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:municipal-points:event:${contract.type}`,
    title: contract.type,
    description: contract.summary,
    ...plain(contract.schema),
  };
}

export function asyncApiOf(contracts: readonly Contract[]): object {
  const channels = [...new Set(contracts.map((one) => one.topic))];
  const onChannel = (topic: string) => contracts.filter((one) => one.topic === topic);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Municipal point management cloud: events',
      version: '1.0.0',
      description:
        'Facts and requests that the services exchange over Kafka, as CloudEvents 1.0 in binary mode. Delivered at least once, in order per key: a reader does each `ce_id` once. ' +
        'A reader ignores fields it does not know. Optional fields are added to a version; anything else is a new version beside it.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: record(channels, (topic) => ({
      address: topic,
      description: `Kafka topic ${topic}, in front of which an installation may set a prefix.`,
      messages: record(
        onChannel(topic).map((one) => one.type),
        (type) => ({ $ref: `#/components/messages/${type}` }),
      ),
      bindings: { kafka: { topic, partitions: topics.find((one) => one.topic === topic)?.partitions ?? 1, bindingVersion: '0.5.0' } },
    })),
    operations: record(channels, (topic) => ({
      action: 'receive',
      channel: { $ref: `#/channels/${topic}` },
      summary: `Read ${topic} in a consumer group of one’s own.`,
      messages: onChannel(topic).map((one) => ({ $ref: `#/channels/${topic}/messages/${one.type}` })),
    })),
    components: {
      messages: Object.fromEntries(contracts.map((one) => [one.type, messageOf(one)])),
      messageTraits: { cloudEvent },
    },
  };
}

function messageOf(contract: Contract): object {
  return {
    name: contract.type,
    title: contract.type,
    summary: contract.summary,
    contentType: 'application/json',
    traits: [{ $ref: '#/components/messageTraits/cloudEvent' }],
    payload: plain(contract.schema),
    examples: samplesOf(contract).map((payload) => ({ payload })),
  };
}

/** CloudEvents 1.0, Kafka protocol binding, binary content mode. */
const cloudEvent = {
  headers: {
    type: 'object',
    required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_partitionkey', 'content-type'],
    properties: {
      ce_specversion: { type: 'string', const: '1.0' },
      ce_id: { type: 'string', format: 'uuid', description: 'the same for every delivery of one event' },
      ce_source: { type: 'string', description: '/services/<name of the sender>' },
      ce_type: { type: 'string', description: 'name of the message' },
      ce_time: { type: 'string', format: 'date-time', description: 'when the event was written, UTC' },
      ce_partitionkey: { type: 'string', description: 'equal to the key of the Kafka message' },
      ce_tenant: {
        type: 'string',
        pattern: '^[0-9]{6}$',
        description: '全国地方公共団体コード of the municipality whose data this is; absent for facts of the platform',
      },
      ce_requester: { type: 'string', description: 'the service whose request this answers; others need not parse the message' },
      traceparent: { type: 'string', description: 'W3C Trace Context of what caused the event' },
      'content-type': { type: 'string', const: 'application/json' },
    },
  },
  bindings: { kafka: { key: { type: 'string', description: 'one key has one order' }, bindingVersion: '0.5.0' } },
};

function record(names: readonly string[], value: (name: string) => object): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

/** TypeBox marks its schemas with symbols, which JSON leaves out. */
function plain(schema: object): object {
  return JSON.parse(JSON.stringify(schema)) as object;
}
