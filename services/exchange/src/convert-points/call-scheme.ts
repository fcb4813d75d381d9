import { readSchemeAnswer, type SchemeAnswer } from '../rules/scheme-answer.js';
import type { Credit } from './credit.js';

/**
 * Has an outside card scheme credit a member. PUT under an id that is unique over all programmes (a scheme may serve several), so a
 * repeated call is the same credit. Whatever goes wrong on the way is an answer too: nobody knows yet.
 */
export async function callScheme(credit: Credit, stop: AbortSignal): Promise<SchemeAnswer> {
  const id = `${credit.cause.programme}:${credit.conversionId}`;
  const address = `${credit.endpoint.replace(/\/$/, '')}/schemes/${encodeURIComponent(credit.scheme)}/credits/${encodeURIComponent(id)}`;
  try {
    const response = await fetch(address, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...(credit.secret !== undefined && { authorization: `Bearer ${credit.secret}` }) },
      body: JSON.stringify({ member: credit.member, points: credit.points, requestedAt: credit.requestedAt }),
      // A redirect could carry the secret to somebody else.
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(callMsMax)]),
    });
    return readSchemeAnswer(response.status, parse(await readText(response)));
  } catch (error) {
    return { kind: 'failed', reason: describe(error, stop) };
  }
}

/** A scheme's counter systems are slow on festival days; a resident's page is not kept waiting by it (202 after 3 s). */
export const callMsMax = 10_000;
const answerBytesMax = 65_536;

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Typed without its async iterator by the DOM library; Node has it.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error(`answered more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
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
function describe(error: unknown, stop: AbortSignal): string {
  if (stop.aborted) return 'the service stopped during the call';
  if (!(error instanceof Error)) return 'the call failed';
  if (error.name === 'TimeoutError') return `no answer within ${callMsMax} ms`;
  const { cause } = error;
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string')
    return `cannot be reached: ${cause.code}`;
  return error.message.startsWith('answered') ? error.message : 'the call failed';
}
