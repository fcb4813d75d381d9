import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastifyOptions } from '@points/http';
import type { UploadFormat } from './read-orders.js';

/** 256 MB in this time is 3.5 Mbit/s. */
export const receiveMsMax = 600_000;

/** `application/x-ndjson` is what most tools call JSON Lines; neither is registered. */
export const mediaTypes: Readonly<Record<string, UploadFormat>> = {
  'text/csv': 'csv',
  'application/jsonl': 'jsonl',
  'application/x-ndjson': 'jsonl',
};

/**
 * Files of orders are not parsed by Fastify: their handler reads them from the socket. The server's own time limit is for whole requests
 * of all kinds, so it is the one of uploads, and all others are held to theirs here.
 */
export function takeUploads(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  for (const type of Object.keys(mediaTypes))
    if (!server.hasContentTypeParser(type)) server.addContentTypeParser(type, (_request, _payload, done) => done(null, undefined));
  server.server.requestTimeout = receiveMsMax;
  server.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.url?.endsWith('/order-uploads')) {
      const timer = setTimeout(() => {
        if (!request.raw.complete) request.raw.destroy();
      }, fastifyOptions.requestTimeout);
      reply.raw.once('close', () => clearTimeout(timer));
    }
    done();
  });
}

export function formatOfType(contentType: string | undefined): UploadFormat | undefined {
  return mediaTypes[contentType?.split(';')[0]?.trim().toLowerCase() ?? ''];
}
