import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import 'reflect-metadata';
import { Database, tenants, migrate, provisionService, serviceUrls } from '@points/database';
import { createLogger, metrics } from '@points/observability';
import { Messaging, event, publish, OnEvent, messagingMigrations, createTopics } from '@points/messaging';
import { defineContract } from '@points/contracts';
import { Type } from '@sinclair/typebox';
import pg from 'pg';
const log = createLogger('bench', 'warn');
const admin = process.env.TEST_DATABASE_ADMIN_URL; const brokers = process.env.TEST_KAFKA_BROKERS.split(',');
const name = 'lat_' + Date.now(); const c = new pg.Client({connectionString: admin}); await c.connect(); await c.query('create database ' + name); 
const u = new URL(admin); u.pathname = '/' + name;
const o = { service: 'bench', password: 'x', ownerPassword: 'y' };
await provisionService(u.toString(), o); const { url, ownerUrl } = serviceUrls(u.toString(), o);
await migrate({ url: ownerUrl, schema: 'bench', appRole: 'bench', migrations: messagingMigrations });
const database = await Database.open({ url, schema: 'bench', applicationName: 'bench', log });
const schema = Type.Object({ m: Type.String(), a: Type.String(), n: Type.Integer() });
const mk = (type, topic) => defineContract({ type, topic, summary: '', schema, key: d => d.a, tenant: d => d.m });
const ask = mk('bench.asked.v1', 'bench.asks'), ans = mk('bench.answered.v1', 'bench.answers');
const prefix = name + '.';
await createTopics(brokers, [{ topic: 'bench.asks', partitions: 4 }, { topic: 'bench.answers', partitions: 4 }], { prefix, log });
const waiting = new Map();
const own = process.argv[2] === 'own';
class A { async on(events, { tx }) { await publish(tx, events.map(e => event(ans, e.data))); } }
class A2 { async on(events) { await database.transaction(tenants('141305'), tx => publish(tx, events.map(e => event(ans, e.data)))); } }
class B { async on(events, { tx }) { tx.afterCommit(() => { for (const e of events) waiting.get(e.data.n)?.(); }); } }
const AA = own ? A2 : A;
Controller()(AA); OnEvent(ask, own ? { transaction: 'own' } : {})(AA.prototype, 'on', Object.getOwnPropertyDescriptor(AA.prototype, 'on'));
Controller()(B); OnEvent(ans)(B.prototype, 'on', Object.getOwnPropertyDescriptor(B.prototype, 'on'));
class M {} ; Module({ controllers: [AA, B] })(M);
const { registry } = metrics('bench');
const messaging = new Messaging({ service: 'bench', brokers, database, log, registry, contracts: [ask, ans], topicPrefix: prefix });
const app = await NestFactory.createMicroservice(M, { strategy: messaging.strategy, logger: false });
await app.listen(); messaging.start(); await messaging.strategy.joined();
let n = 0;
const one = async (i) => { const id = ++n; const t = performance.now(); const p = new Promise(r => waiting.set(id, r));
  await database.transaction(tenants('141305'), tx => publish(tx, [event(ask, { m: '141305', a: 'a' + i, n: id })])); await p; waiting.delete(id); return performance.now() - t; };
for (const callers of [1, 16, 64, 256]) {
  for (let k = 0; k < (callers === 1 ? 50 : 3); k++) await Promise.all(Array.from({ length: callers }, (_, i) => one(i)));
  const times = []; const end = performance.now() + 4000; const cpu = process.cpuUsage(); 
  await Promise.all(Array.from({ length: callers }, async (_, i) => { while (performance.now() < end) times.push(await one(i)); }));
  times.sort((a, b) => a - b); const q = process.cpuUsage(cpu);
  console.log(callers, 'callers', Math.round(times.length / 4) + '/s', 'p50', times[times.length >> 1].toFixed(1), 'p99', times[Math.floor(times.length * .99)].toFixed(1), 'cpu/ms per roundtrip', ((q.user + q.system) / 1000 / times.length).toFixed(2));
}
const t = Date.now(); await messaging.stop(); console.log('stopped in', Date.now() - t); await app.close(); await database.close(); await c.query('drop database ' + name + ' with (force)'); await c.end();
