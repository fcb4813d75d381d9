import { randomUUID } from 'node:crypto';

export interface Called<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** One HTTP call as a client makes it: JSON in and out, a new Idempotency-Key for each POST unless one is given. */
export async function call<T = Record<string, unknown>>(
  url: string,
  options: { method?: string; token?: string; body?: unknown; key?: string; headers?: Record<string, string> } = {},
): Promise<Called<T>> {
  const { method = options.body === undefined ? 'GET' : 'POST', token, body, key = randomUUID() } = options;
  const response = await fetch(url, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(method === 'POST' && key && { 'idempotency-key': key }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  // The caller names the shape that the operation documents.
  return { status: response.status, headers: response.headers, body: (json && text ? JSON.parse(text) : { text }) as T };
}
