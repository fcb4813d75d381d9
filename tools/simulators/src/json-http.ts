// What the simulators have in common as small HTTP servers: JSON in and out, problems by code, a connection that can be cut.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `undefined` is the answer that gets lost. A body with a content type of its own is a text already. */
export type Answer = { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> } | undefined;

export const bodyBytesMax = 10_000;

export function problem(status: number, code: string, detail: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: { status, code, detail }, headers };
}

export function send(response: ServerResponse, answer: Answer): void {
  if (!answer) {
    response.destroy();
    return;
  }
  const type = answer.status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(answer.status, { 'content-type': type, ...answer.headers });
  response.end(answer.headers?.['content-type'] === undefined ? JSON.stringify(answer.body) : String(answer.body));
}

/** `undefined` for a body that is no JSON or too long, which no rule accepts. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `undefined` for a body that is too long. */
export async function readText(request: IncomingMessage, charactersMax = bodyBytesMax): Promise<string | undefined> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) if (text.length <= charactersMax) text += chunk as string;
  return text.length > charactersMax ? undefined : text;
}

export function decoded(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

export async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // A TCP server's address is never a pipe's name.
  return (server.address() as AddressInfo).port;
}

export function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Serves until TERM or INT; a start that fails is one line and exit code 1. */
export async function runSimulator(
  name: string,
  main: () => Promise<{ readonly url: string; stop(): Promise<void> } | undefined>,
): Promise<void> {
  try {
    const started = await main();
    if (!started) return;
    process.stdout.write(`${name} ready at ${started.url}\n`);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void started.stop().then(() => process.exit(0)));
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : 'cannot start'}\n`);
    process.exitCode = 1;
  }
}

/** @throws Error with one sentence */
export function portOf(text: string | undefined): number {
  const port = Number(text || NaN);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port (or the variable PORT) must be a port number');
  return port;
}
