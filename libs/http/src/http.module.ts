import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { TokenChecker } from '@points/auth';
import type { Logger } from '@points/observability';
import { AccessGuard } from './access.guard.js';
import { AnswerInterceptor } from './answer.interceptor.js';
import { ProblemFilter } from './problem.filter.js';
import { CompiledValidationPipe } from './validation.pipe.js';

export interface HttpOptions {
  readonly tokens: TokenChecker;
  readonly log: Logger;
}

/** What stands before every route of every service. */
@Module({})
export class HttpModule {
  static with({ tokens, log }: HttpOptions): DynamicModule {
    return {
      module: HttpModule,
      providers: [
        { provide: TokenChecker, useValue: tokens },
        { provide: APP_GUARD, useFactory: () => new AccessGuard(tokens) },
        { provide: APP_PIPE, useClass: CompiledValidationPipe },
        { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
        { provide: APP_FILTER, useFactory: () => new ProblemFilter(log) },
      ],
    };
  }
}
