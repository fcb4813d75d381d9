import { hash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from '@points/auth';
import type { FastifyRequest } from 'fastify';
import { operationOf } from './operation.js';

/** Why something happens: who asked, for which municipality, under which key. */
export interface Cause {
  /** The tenant of the path; empty for platform operations. */
  readonly municipality: string;
  readonly client: string;
  readonly scopes: ReadonlySet<string>;
  readonly tenants: ReadonlySet<string>;
  /** Present on every POST that changes something. */
  readonly idempotencyKey?: string;
  /** Of method, path and body: the same key with another fingerprint is another request. */
  readonly fingerprint: string;
  readonly operation: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller?: Caller;
  }
}

export const CauseOf = createParamDecorator((_: unknown, context: ExecutionContext): Cause => causeOf(context));

function causeOf(context: ExecutionContext): Cause {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { municipality = '' } = request.params as { municipality?: string };
  const key = request.headers['idempotency-key'];
  let fingerprint: string | undefined;
  return {
    municipality,
    client: request.caller?.client ?? 'public',
    scopes: request.caller?.scopes ?? new Set(),
    tenants: request.caller?.tenants ?? new Set(),
    ...(typeof key === 'string' && { idempotencyKey: key }),
    // Only when asked: a posting is recognised by its reference and does without.
    get fingerprint() {
      return (fingerprint ??= fingerprintOf(request.method, request.url, request.body));
    },
    operation: operationOf(context.getHandler())?.summary ?? context.getHandler().name,
  };
}

export function fingerprintOf(method: string, url: string, body: unknown): string {
  return hash('sha256', `${method} ${url}\n${JSON.stringify(body, sorted) ?? ''}`, 'base64url');
}

/** Two bodies that differ in the order of their fields are the same request. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
