import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { tokenAudience } from '@points/auth';
import { topics } from '@points/contracts';
import { createTopics } from '@points/messaging';
import { freshDatabase, quietLogger, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { migrations } from '../migrations.js';

/** The built service as a process of its own, to be killed, on a database and topics that stay. */
export interface ExchangeProcess {
  readonly fresh: FreshDatabase;
  readonly topicPrefix: string;
  /** Of the process that runs now. */
  readonly url: string;
  /** All that its processes have logged. */
  readonly lines: readonly string[];
  token(scopes: readonly string[], tenants: readonly string[], client: string): Promise<string>;
  start(): Promise<void>;
  /** kill -9 */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export async function exchangeProcess(environment: NodeJS.ProcessEnv): Promise<ExchangeProcess> {
  const fresh = await freshDatabase('exchange', migrations);
  const prefix = topicPrefix();
  await createTopics(testBrokers(), topics, { prefix, log: quietLogger('topics') });
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'test' }] });
  const identity = createServer((_, response) => response.setHeader('content-type', 'application/json').end(jwks));
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  // A TCP server's address is never a pipe's name.
  const issuer = `http://127.0.0.1:${(identity.address() as AddressInfo).port}`;
  const lines: string[] = [];
  let url = '';
  let running: { readonly child: ChildProcess; readonly ended: Promise<void> } | undefined;
  const kill = async () => {
    running?.child.kill('SIGKILL');
    await running?.ended;
    running = undefined;
  };
  return {
    fresh,
    topicPrefix: prefix,
    lines,
    get url() {
      return url;
    },
    token: (scopes, tenants, client) =>
      new SignJWT({ client_id: client, scope: scopes.join(' '), tenants: [...tenants] })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'test' })
        .setIssuer(issuer)
        .setAudience(tokenAudience)
        .setIssuedAt()
        .setExpirationTime('10m')
        .sign(privateKey),
    start: async () => {
      const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', program], {
        env: {
          ...{ PORT: '0', DATABASE_URL: fresh.url, KAFKA_BROKERS: testBrokers().join(','), TOPIC_PREFIX: prefix },
          ...{ TOKEN_ISSUER: issuer, TOKEN_JWKS_URL: `${issuer}/jwks`, KAFKAJS_NO_PARTITIONER_WARNING: '1', LOG_LEVEL: 'debug' },
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      running = { child, ended };
      url = await new Promise<string>((resolve, reject) => {
        let rest = '';
        child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
          const whole = (rest + chunk).split('\n');
          rest = whole.pop() ?? '';
          lines.push(...whole);
          const ready = whole.find((line) => line.includes('"service ready"'));
          if (ready) resolve((JSON.parse(ready) as { url: string }).url);
        });
        void ended.then(() => reject(new Error(`the exchange ended before it was ready:\n${lines.slice(-5).join('\n')}`)));
      });
    },
    kill,
    close: async () => {
      await kill();
      identity.closeAllConnections();
      await new Promise<void>((resolve) => identity.close(() => resolve()));
      await fresh.close();
    },
  };
}

/** Compiled, also where this file runs from its source: Node cannot run decorators. */
const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
