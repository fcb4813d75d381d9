import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isTransient } from '@points/database';
import type { Logger } from '@points/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.js';

/** Every error leaves as problem+json. What is a bug is logged whole and answered without a word about its inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const found = toProblem(error);
    if (found.status >= 500)
      this.log.error({ err: error, method: host.switchToHttp().getRequest<FastifyRequest>().method }, 'request failed');
    sendProblem(reply, found);
  }
}

export function sendProblem(reply: FastifyReply, found: Problem): void {
  void reply
    .code(found.status)
    .headers({ 'content-type': 'application/problem+json', ...found.headers })
    .send(JSON.stringify(found.body));
}

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isTransient(error))
    return new Problem(
      503,
      'temporarily-unavailable',
      'the database cannot be reached now; the same request may be sent again',
      {},
      { 'retry-after': '1' },
    );
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === 404) return new Problem(404, 'not-found', 'there is nothing at this address; see /docs');
  if (status === 405) return new Problem(405, 'method-not-allowed', 'this address does not take this method; see /docs');
  if (status === 413) return new Problem(413, 'body-too-large', 'the body is larger than this service takes');
  if (status === 415) return new Problem(415, 'unsupported-media-type', 'send application/json');
  if (status === 400) return new Problem(400, 'malformed-request', 'the body is not valid JSON');
  return new Problem(500, 'internal-error', 'something went wrong here; the request may be sent again with the same Idempotency-Key');
}

/** Fastify's own errors carry `statusCode`. */
function statusOf(error: unknown): number {
  return typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;
}
