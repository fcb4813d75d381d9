import { ContractError, type Contract } from '@points/contracts';
import { isUuid } from '@points/kernel';
import type { KafkaMessage } from 'kafkajs';
import { headerText } from './cloud-events.js';
import type { Received } from './event.js';
import type { BatchContext } from './work-batch.js';

export interface EventHandler {
  readonly contract: Contract;
  readonly requester?: string;
  call(events: Received[], context: BatchContext): Promise<void>;
}

/** A message that concerns this service, with its place in the log. */
export type Delivery = { readonly place: Place; readonly message: RawMessage; readonly key: string; readonly tenant: string | null } & (
  | { readonly event: Received; readonly handlers: readonly EventHandler[] }
  | { readonly event?: undefined; readonly poison: { readonly reason: PoisonReason; readonly detail: string } }
);

export type Poisonous = Extract<Delivery, { poison: unknown }>;
export type Readable = Exclude<Delivery, Poisonous>;
export type PoisonReason = 'wrong-headers' | 'not-json' | 'breaks-contract' | 'handler-failed' | 'behind-parked';

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export type RawMessage = Pick<KafkaMessage, 'key' | 'value' | 'headers' | 'timestamp'>;

/**
 * Reads a Kafka message of a topic this service listens to. Answers why it is ignored, when it is not for this service. Whatever cannot
 * be understood is poison, because ignoring it would lose a fact.
 */
export function readMessage(
  handlers: ReadonlyMap<string, readonly EventHandler[]>,
  place: Place,
  message: RawMessage,
): Delivery | 'unknown-type' | 'other-requester' {
  const { headers } = message;
  const written = message.key?.toString();
  // PostgreSQL's text has no NUL, and an index entry at most 2,700 bytes: even a mad key must find its place among the dead letters.
  const key = written?.replaceAll('\0', '\uFFFD').slice(0, keyCharsMax) ?? `-/${place.partition}/${place.offset}`;
  const header = headerText(headers, 'ce_tenant');
  const tenant = header !== undefined && /^\d{6}$/.test(header) ? header : null;
  const base = { place, message, key, tenant };
  const poison = (reason: PoisonReason, detail: string): Delivery => ({ ...base, poison: { reason, detail } });

  const type = headerText(headers, 'ce_type');
  if (type === undefined) return poison('wrong-headers', 'ce_type is missing');
  const ofType = handlers.get(type);
  if (!ofType) return 'unknown-type';
  const requester = headerText(headers, 'ce_requester');
  const wanting = ofType.filter((one) => one.requester === undefined || one.requester === requester);
  const contract = wanting[0]?.contract;
  if (!contract) return 'other-requester';

  const id = headerText(headers, 'ce_id')?.toLowerCase();
  if (id === undefined || !isUuid(id)) return poison('wrong-headers', 'ce_id is not a uuid');
  if (key !== written) return poison('wrong-headers', 'the message has no key, or one that no contract makes');
  const source = headerText(headers, 'ce_source');
  const time = headerText(headers, 'ce_time');
  if (source === undefined || time === undefined) return poison('wrong-headers', 'ce_source or ce_time is missing');

  let data: unknown;
  try {
    data = contract.check(JSON.parse(message.value?.toString() ?? ''));
    if (contract.key(data) !== key) return poison('wrong-headers', 'the key is not that of the data');
    if ((contract.tenant(data) ?? null) !== (header ?? null)) return poison('wrong-headers', 'ce_tenant is not the tenant of the data');
  } catch (error) {
    if (error instanceof ContractError) return poison('breaks-contract', error.problems.join('; '));
    // The parser's message quotes the text, which may hold personal data.
    if (error instanceof SyntaxError) return poison('not-json', 'the data is not JSON');
    return poison('breaks-contract', 'key or tenant cannot be told from the data');
  }

  const traceparent = headerText(headers, 'traceparent');
  const event: Received = {
    id,
    type,
    source,
    time,
    key,
    ...(tenant !== null && { tenant }),
    ...(requester !== undefined && { requester }),
    ...(traceparent !== undefined && { traceparent }),
    data,
    ...place,
  };
  return { ...base, event, handlers: wanting };
}

const keyCharsMax = 500;
