import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineContract } from '@points/contracts';
import { tenants, tenantTable, type Database, type Migration } from '@points/database';
import { metrics } from '@points/observability';
import { eventually, quietLogger } from '@points/testing';
import { Type } from '@sinclair/typebox';
import type { Registry } from 'prom-client';
import { event, type EventOptions, type Received } from './event.js';
import { kafkaClient } from './kafka-client.js';
import { Messaging } from './messaging.js';
import { messagingMigrations } from './migrations.js';
import { OnEvent, type OnEventOptions } from './on-event.js';
import { publish } from './outbox.js';
import { createTopics } from './topics.js';
import type { BatchContext } from './work-batch.js';

/** A service as small as the tests of this library need it: two event versions on one topic, one table of effects. */
export interface Step {
  readonly municipality: string;
  readonly account: string;
  readonly step: number;
}

const step = Type.Object({ municipality: Type.String(), account: Type.String(), step: Type.Integer() });
const common = {
  topic: 'test.steps',
  summary: 'for tests',
  schema: step,
  key: (data: Step) => data.account,
  tenant: (data: Step) => data.municipality,
};
export const steppedV1 = defineContract({ ...common, type: 'test.stepped.v1' });
export const stoppedV1 = defineContract({ ...common, type: 'test.stopped.v1' });

export const kawasaki = '141305';

export const testMigrations: readonly Migration[] = [
  ...messagingMigrations,
  {
    name: 'CreateEffect1763856000001',
    up: `
      create table effect (
        id bigint generated always as identity constraint effect_pk primary key,
        tenant text not null, account text not null, step integer not null, event_id uuid not null
      );
      ${tenantTable('effect')}
      grant select, insert on effect to {app};`,
  },
];

export function stepped(account: string, number: number, options: EventOptions = {}) {
  return event(steppedV1, { municipality: kawasaki, account, step: number }, options);
}

export function tell(database: Database, ...events: Parameters<typeof publish>[1]): Promise<void> {
  return database.transaction(tenants(kawasaki), (tx) => publish(tx, events));
}

/** Tells the next step of every account, again and again, until it is stopped. */
export function tellSteadily(
  database: Database,
  accounts: readonly string[],
  pauseMs: number,
): { step(): number; stop(): Promise<number[]> } {
  let [isOn, step] = [true, 0];
  const telling = (async () => {
    while (isOn) {
      step++;
      await tell(database, ...accounts.map((account) => stepped(account, step)));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return {
    step: () => step,
    /** Answers the steps that each account must have taken. */
    stop: async () => {
      isOn = false;
      await telling;
      return Array.from({ length: step }, (_, index) => index + 1);
    },
  };
}

type Handle = (events: Received<Step>[], context: BatchContext) => Promise<void>;

/** The effect of an event: one row. */
export const record: Handle = async (events, { tx }) => {
  await tx.write(
    'insert into effect (tenant, account, step, event_id) select * from unnest($1::text[], $2::text[], $3::int[], $4::uuid[])',
    [
      events.map((one) => one.data.municipality),
      events.map((one) => one.data.account),
      events.map((one) => one.data.step),
      events.map((one) => one.id),
    ],
  );
};

export async function effectsOf(database: Database, account: string): Promise<number[]> {
  const rows = await database.transaction(tenants(kawasaki), (tx) =>
    tx.query<{ step: number }>('select step from effect where account = $1 order by id', [account]),
  );
  return rows.map((row) => row.step);
}

export interface TestService {
  readonly messaging: Messaging;
  readonly registry: Registry;
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startService(options: {
  name: string;
  database: Database;
  brokers: readonly string[];
  prefix: string;
  on?: Handle | undefined;
  onStopped?: Handle | undefined;
  handler?: OnEventOptions;
  onFatal?: (error: Error) => void;
}): Promise<TestService> {
  const { registry } = metrics(options.name, { process: false });
  const messaging = new Messaging({
    service: options.name,
    brokers: options.brokers,
    database: options.database,
    log: quietLogger(options.name),
    registry,
    contracts: [...(options.on ? [steppedV1] : []), ...(options.onStopped ? [stoppedV1] : [])],
    topicPrefix: options.prefix,
    ...(options.onFatal && { onFatal: options.onFatal }),
  });
  const app = await NestFactory.createMicroservice(moduleOf(options), { strategy: messaging.strategy, logger: false });
  await app.listen();
  messaging.start();
  await messaging.strategy.joined();
  return {
    messaging,
    registry,
    metric: async (name) => (await registry.getSingleMetric(name)?.get())?.values.reduce((sum, one) => sum + one.value, 0) ?? 0,
    stop: async () => {
      await messaging.stop();
      await app.close();
    },
  };
}

function moduleOf({ on, onStopped, handler = {} }: { on?: Handle | undefined; onStopped?: Handle | undefined; handler?: OnEventOptions }) {
  @Controller()
  class OnStepped {
    @OnEvent(steppedV1, handler)
    stepped(events: Received<Step>[], context: BatchContext) {
      return on?.(events, context);
    }
  }
  @Controller()
  class OnStopped {
    @OnEvent(stoppedV1, handler)
    stopped(events: Received<Step>[], context: BatchContext) {
      return onStopped?.(events, context);
    }
  }
  @Module({ controllers: [...(on ? [OnStepped] : []), ...(onStopped ? [OnStopped] : [])] })
  class TestModule {}
  return TestModule;
}

export function makeTopics(brokers: readonly string[], prefix: string, partitions = 4): Promise<string[]> {
  return createTopics(brokers, [{ topic: steppedV1.topic, partitions }], { prefix, log: quietLogger() });
}

/** How many messages the topic has ever taken. */
export async function messagesSent(brokers: readonly string[], prefix: string): Promise<number> {
  const admin = kafkaClient('test', brokers, quietLogger()).admin();
  await admin.connect();
  try {
    return (await admin.fetchTopicOffsets(`${prefix}${steppedV1.topic}`)).reduce((sum, one) => sum + Number(one.high), 0);
  } finally {
    await admin.disconnect();
  }
}

/** Writes raw messages, as no service of ours would. */
export async function sendRaw(
  brokers: readonly string[],
  prefix: string,
  messages: { key: string | null; value: string; headers: Record<string, string> }[],
): Promise<void> {
  const producer = kafkaClient('test', brokers, quietLogger()).producer({ createPartitioner: () => () => 0 });
  await producer.connect();
  try {
    await producer.send({ topic: `${prefix}${steppedV1.topic}`, messages });
  } finally {
    await producer.disconnect();
  }
}

export async function outboxRows(database: Database): Promise<number> {
  const [row] = await database.transaction(tenants(kawasaki), (tx) =>
    tx.query<{ rows: number }>('select count(*)::int as rows from outbox'),
  );
  return row?.rows ?? 0;
}

export function eventuallyEffects(database: Database, account: string, expected: readonly number[], timeoutMs = 10_000): Promise<unknown> {
  return eventually(async () => expect(await effectsOf(database, account)).toEqual(expected), { timeoutMs });
}
