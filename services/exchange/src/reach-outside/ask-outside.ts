import type { IncomingMessage } from 'node:http';
import { NotSent, requestOutside, type OutsideRequest, type Reach } from './request-outside.js';

/** What came of a call to another company's machine: its answer, or why nobody knows what has happened there. */
export type OutsideAnswer = { readonly status: number; readonly body: unknown } | { readonly failed: string };

export interface OutsideCall {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly token?: string;
  readonly body?: unknown;
  readonly withinMs: number;
}

/** Never throws: whatever goes wrong on the way is an answer too. */
export async function askOutside(
  address: string,
  { method, token, body, withinMs }: OutsideCall,
  reach: Reach,
  stop: AbortSignal,
): Promise<OutsideAnswer> {
  const request = {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  try {
    const { status, text } = await readOutside(address, request, reach, AbortSignal.any([stop, AbortSignal.timeout(withinMs)]));
    return { status, body: parse(text) };
  } catch (error) {
    return { failed: reasonOf(error, withinMs, stop) };
  }
}

/**
 * As `fetch`, for the library that speaks OAuth to partners: what it reads (the addresses in a partner's own description of its sign-in,
 * too) is as little trusted as what we ask ourselves.
 */
export async function fetchOutside(address: string, request: OutsideRequest, reach: Reach, stop: AbortSignal): Promise<Response> {
  const { status, text, headers } = await readOutside(address, request, reach, stop);
  return new Response(withoutBody.includes(status) ? null : text, { status, headers });
}

const answerBytesMax = 65_536;
/** Statuses whose answers have no body; `Response` insists. */
const withoutBody = [204, 205, 304];

async function readOutside(address: string, request: OutsideRequest, reach: Reach, stop: AbortSignal) {
  const response = await requestOutside(address, request, reach, stop);
  const text = await readText(response, stop);
  const headers = Object.entries(response.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  return { status: response.statusCode ?? 0, text, headers };
}

async function readText(response: IncomingMessage, stop: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > answerBytesMax) throw new Error(`answered more than ${answerBytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    // What ends the connection from here looks like an end from there.
    throw stop.aborted ? stop.reason : error;
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Words for the operator; the address stays out, it may hold a secret of its own. */
export function reasonOf(error: unknown, withinMs: number, stop: AbortSignal): string {
  if (stop.aborted) return 'the service stopped during the call';
  // By their fields, not by their class: what was thrown elsewhere (a library, a test's own world) is told as well.
  for (let one = error; typeof one === 'object' && one !== null; one = (one as { cause?: unknown }).cause) {
    const { name, message, code, cause } = one as Readonly<Record<string, unknown>>;
    if (one instanceof NotSent) return `not sent: ${one.message}`;
    if (name === 'TimeoutError') return `no answer within ${withinMs} ms`;
    if (typeof message === 'string' && message.startsWith('answered')) return message;
    // Of the network; a library's own codes say less than their cause.
    if (typeof code === 'string' && cause === undefined) return `cannot be reached: ${code}`;
  }
  return 'the call failed';
}
