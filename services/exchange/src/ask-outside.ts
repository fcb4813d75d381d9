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
  stop: AbortSignal,
): Promise<OutsideAnswer> {
  try {
    const response = await fetch(address, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // A redirect could carry the secret to somebody else.
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(withinMs)]),
    });
    return { status: response.status, body: parse(await readText(response)) };
  } catch (error) {
    return { failed: reasonOf(error, withinMs, stop) };
  }
}

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
export function reasonOf(error: unknown, withinMs: number, stop: AbortSignal): string {
  if (stop.aborted) return 'the service stopped during the call';
  if (!(error instanceof Error)) return 'the call failed';
  if (error.name === 'TimeoutError') return `no answer within ${withinMs} ms`;
  const { cause } = error;
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string')
    return `cannot be reached: ${cause.code}`;
  return error.message.startsWith('answered') ? error.message : 'the call failed';
}
