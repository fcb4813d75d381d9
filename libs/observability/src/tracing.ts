import { context, propagation, SpanStatusCode, trace, type Attributes, type Context, type Span, SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/**
 * Spans are always made, so that a trace id (W3C Trace Context) joins the log lines of one request through HTTP and Kafka.
 * They are sent only when `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector. Call once per process; the answer flushes and stops.
 */
export function startTracing(service: string, otlpEndpoint?: string): () => Promise<void> {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: otlpEndpoint
      ? [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces` }))]
      : [],
  });
  provider.register();
  return () => provider.shutdown();
}

/** `00-<trace id>-<span id>-<flags>` of the active span, to be stored in an outbox row or sent in a header. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** The fields of a log line about an event of another trace than the active one. */
export function traceIdOf(traceparent: string | undefined): { traceId?: string; spanId?: string } {
  const parts = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent ?? '');
  return parts ? { traceId: parts[1]!, spanId: parts[2]! } : {};
}

/** The context of a caller who sent `traceparent`; without one, a new trace begins. */
export function continueTrace(traceparent: string | undefined): Context {
  return traceparent ? propagation.extract(context.active(), { traceparent }) : context.active();
}

export async function inSpan<T>(
  name: string,
  options: { parent?: Context; kind?: 'server' | 'consumer' | 'producer' | 'internal'; attributes?: Attributes },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const kind = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER, internal: SpanKind.INTERNAL }[
    options.kind ?? 'internal'
  ];
  return trace
    .getTracer('points')
    .startActiveSpan(
      name,
      { kind, ...(options.attributes && { attributes: options.attributes }) },
      options.parent ?? context.active(),
      async (span) => {
        try {
          return await work(span);
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      },
    );
}
