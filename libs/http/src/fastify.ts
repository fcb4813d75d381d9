import { continueTrace, inSpan, type Metrics } from '@points/observability';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Histogram } from 'prom-client';

export const bodyBytesMax = 1_048_576;
const requestTimeoutMs = 30_000;

export const fastifyOptions = { bodyLimit: bodyBytesMax, requestTimeout: requestTimeoutMs, trustProxy: false, logger: false } as const;

/** The type Nest answers for its Fastify instance differs by generics only. */
export type AnyServer = FastifyInstance;

/** A span and a measurement around each request. The span is the active one in every handler, so its id reaches logs and Kafka. */
export function tuneFastify(server: AnyServer, { registry }: Metrics): void {
  const seconds = new Histogram({
    name: 'points_http_request_seconds',
    help: 'time to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  const refusals = new Counter({
    name: 'points_http_refusals_total',
    help: 'requests answered 4xx or 5xx',
    labelNames: ['status'],
    registers: [registry],
  });
  server.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const route = request.routeOptions.url ?? 'unknown';
    const started = performance.now();
    const { traceparent } = request.headers;
    void inSpan(
      `${request.method} ${route}`,
      { kind: 'server', parent: continueTrace(typeof traceparent === 'string' ? traceparent : undefined) },
      (span) =>
        new Promise<void>((resolve) => {
          reply.raw.once('close', () => {
            const { statusCode } = reply;
            seconds.observe({ method: request.method, route, status: statusCode }, (performance.now() - started) / 1000);
            if (statusCode >= 400) refusals.inc({ status: statusCode });
            span.setAttribute('http.response.status_code', statusCode);
            resolve();
          });
          done();
        }),
    );
  });
}
