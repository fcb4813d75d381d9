import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';
import { StoredAnswer } from './answer.js';
import { operationOf } from './operation.js';

/** Gives an `Answer` its status and headers, and a plain body the status of its operation (Nest's own is 201 for each POST). */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((result: unknown): unknown => {
        if (!(result instanceof StoredAnswer)) {
          void reply.code(operationOf(context.getHandler())?.status ?? 200);
          return result;
        }
        void reply.code(result.status).headers({ ...result.headers });
        // Fastify writes JSON by itself only where no other media type is named; a text (CSV) is the body as it is.
        return result.headers?.['content-type'] && typeof result.body !== 'string' ? JSON.stringify(result.body) : result.body;
      }),
    );
  }
}
