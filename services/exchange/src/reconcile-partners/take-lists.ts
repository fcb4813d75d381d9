import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { problem, type LineError, type Problem } from '@points/http';
import type { FastifyRequest } from 'fastify';

/** Bytes of a list of 20,000 lines of 200 bytes. */
export const listBytesMax = 4_194_304;

/** Lists are not parsed by Fastify: their handler reads them from the socket. */
export function takeLists(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  if (!server.hasContentTypeParser('text/csv'))
    server.addContentTypeParser('text/csv', (_request, _payload, done) => done(null, undefined));
}

/** What a list that cannot be read has come to. */
const nothingCompared = 'nothing was compared';

/** The whole body, its byte order mark too: the text has the digest of the bytes. @throws Problem 413, 415, 422 */
export async function readList({ headers, raw }: FastifyRequest, undone = nothingCompared): Promise<string> {
  if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'text/csv')
    throw problem(415, 'unsupported-media-type', 'send the list as text/csv');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of raw) {
    // A request's stream gives buffers until somebody sets an encoding.
    const part = chunk as Buffer;
    bytes += part.length;
    if (bytes > listBytesMax)
      throw problem(413, 'list-too-large', `a list has at most ${listBytesMax} bytes; send it in parts`, { listBytesMax });
    chunks.push(part);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw problem(422, 'malformed-list', `${undone}; the list is not UTF-8`, {
      errors: [{ line: 1, field: 'list', reason: 'is not UTF-8' }],
    });
  }
}

/** What is wrong with a list that could not be read, its first fault in the detail. */
export function malformedList(errors: readonly LineError[], undone = nothingCompared): Problem {
  const [first] = errors;
  const where = `line ${first?.line ?? 1}, field ${first?.field ?? ''}: ${first?.reason ?? ''}`;
  return problem(422, 'malformed-list', `${undone}; ${where}`, { errors });
}
