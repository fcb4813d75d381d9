import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/**
 * Ports on 127.0.0.1 that nobody listens on at this moment. They are taken below the range that the kernel gives to outgoing
 * connections (32768 and up on Linux): a port of that range may be gone again before the server that wants it has started.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > triesMax) throw new Error(`no ${count} free ports between ${lowest} and ${highest} on 127.0.0.1`);
    const port = randomInt(lowest, highest);
    if (!found.has(port) && (await isPortFree(port))) found.add(port);
  }
  return [...found];
}

const lowest = 15_000;
const highest = 32_000;
const triesMax = 1_000;

export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * True when a server says anything in answer to `request`. An accepted connection alone proves little: Docker's proxy accepts
 * before the server behind it is there.
 */
export function answersTo(port: number, request: Buffer, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: timeoutMs });
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => socket.write(request));
    socket.once('data', () => answer(true));
    for (const event of ['error', 'close', 'timeout']) socket.once(event, () => answer(false));
  });
}

/** SSLRequest of the PostgreSQL protocol: length 8, code 80877103. Answered with one letter as soon as the server takes clients. */
export const postgresGreeting = Buffer.from('0000000804d2162f', 'hex');

/** ApiVersions request, version 0, without a client id: length 10, key 18, version 0, correlation id 1, client id null. */
export const kafkaGreeting = Buffer.from('0000000a0012000000000001ffff', 'hex');
