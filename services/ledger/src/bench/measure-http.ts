import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { tokenAudience } from '@points/auth';
import { topics } from '@points/contracts';
import {
  allCreated,
  cpuMsOf,
  endChild,
  fetchKafkaJars,
  freePorts,
  gently,
  serviceReady,
  startKafka,
  startServiceProcess,
  type LoadResult,
} from '@points/infrastructure';
import { createTopics } from '@points/messaging';
import { createLogger } from '@points/observability';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { benchProgramme, type Books } from './fill-books.js';
import type { PostingOrder } from './http-load.js';
import { ratioTo, round, warmUpSeconds, type Measured } from './measure-door.js';
import type { Pgbench } from './pgbench.js';

const callers = 64;
const municipality = benchProgramme.slice(0, 6);

/**
 * Spends over HTTP by the whole service in a process of its own, with its broker, its chainer and all its jobs: token, Idempotency-Key and
 * validation as everywhere. The load is a third process; its CPU time does not count.
 */
export async function measureHttp(
  books: Books,
  how: { seconds: number; postgresPid: number; bench: Pgbench; folder: string; profile?: string },
): Promise<Measured> {
  const { seconds, postgresPid, bench } = how;
  const stops: (() => Promise<void>)[] = [];
  try {
    const { service, url, token } = await startLedger(books, how, stops);
    const load = fork(join(import.meta.dirname, 'http-load.js'), { stdio: 'inherit' });
    stops.push(() => endChild(load, gently));
    const path = `/v1/municipalities/${municipality}/programmes/${benchProgramme}/postings`;
    const run = async (time: number) => {
      load.send({ url, path, token, callers, seconds: time, holders: books.holders } satisfies PostingOrder);
      // The load answers once per order.
      const [result] = (await once(load, 'message')) as [LoadResult];
      return { result, postings: allCreated(result) };
    };
    const cpuMs = () => cpuMsOf(service.pid ?? 0) + cpuMsOf(postgresPid);

    const warm = await run(warmUpSeconds);
    const before = cpuMs();
    const { result, postings } = await run(seconds);
    const cpuUs = (cpuMs() - before) * 1_000;
    const perSecond = (postings / result.elapsedMs) * 1_000;
    return {
      name: 'http',
      callers,
      postings: postings + warm.postings,
      per_second: Math.round(perSecond),
      p50_ms: round(result.p50Ms),
      p99_ms: round(result.p99Ms),
      cpu_us_per_posting: round(cpuUs / postings),
      ratio: round(perSecond / bench.tpcB),
      ratio_to: ratioTo.tpcB,
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startLedger(
  books: Books,
  { folder, profile }: { folder: string; profile?: string },
  stops: (() => Promise<void>)[],
): Promise<{ service: ChildProcess; url: string; token: string }> {
  const root = resolve(import.meta.dirname, '..', '..', '..', '..');
  const cached = process.env['KAFKA_JARS'] ?? resolve(root, process.env['CLOUD_HOME'] ?? '.local', 'kafka-jars');
  const jars = await fetchKafkaJars(cached, console.log);
  const kafka = await startKafka({ directory: join(folder, 'kafka'), jars });
  stops.push(() => kafka.stop());
  await createTopics([kafka.brokers], topics, { log: createLogger('bench', 'silent') });
  const issuer = await startIssuer();
  stops.push(issuer.stop);
  const [port = 0] = await freePorts(1);
  const service = startServiceProcess({
    name: 'ledger',
    main: join(import.meta.dirname, '..', 'main.js'),
    folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      PORT: String(port),
      DATABASE_URL: books.url,
      KAFKA_BROKERS: kafka.brokers,
      TOKEN_ISSUER: issuer.url,
      TOKEN_JWKS_URL: `${issuer.url}/jwks`,
    },
    ...(profile !== undefined && { profile }),
  });
  stops.push(() => endChild(service, gently));
  const url = `http://127.0.0.1:${port}`;
  await serviceReady(service, { name: 'ledger', folder, url });
  return { service, url, token: issuer.token };
}

/** Publishes the key that has signed the token, as the identity service does. */
async function startIssuer(): Promise<{ url: string; token: string; stop: () => Promise<void> }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'bench' }] });
  const server = createServer((_, answer) => answer.setHeader('content-type', 'application/json').end(keys));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Of a TCP server that listens.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = await new SignJWT({ client_id: 'bench', scope: 'ledger:post', tenants: [municipality] })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
    .setIssuer(url)
    .setAudience(tokenAudience)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  return { url, token, stop: async () => void (await new Promise((resolve) => server.close(resolve))) };
}
