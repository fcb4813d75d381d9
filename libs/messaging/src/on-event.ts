import { Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { Contract } from '@points/contracts';
import { throwError, type Observable } from 'rxjs';
import type { Received } from './event.js';
import type { BatchContext } from './work-batch.js';

export interface OnEventOptions {
  /** Only events whose `ce_requester` is this; the others are not even parsed. */
  readonly requester?: string;
  /** `own`: the handler opens its transaction itself and makes sure by itself that an event has one effect. */
  readonly transaction?: 'own';
}

/** What the strategy finds in the extras of a pattern. */
export interface OnEventExtras extends OnEventOptions {
  readonly contract: Contract;
}

/**
 * Declares a method of a Nest controller as the handler of one event version: it gets all events of a batch in one call, in the order
 * of each key, and the transaction of their effect as second argument. It is Nest's EventPattern, with two things that pattern does
 * not do: the context reaches the method, and what the method throws reaches the strategy, which must tell trouble from poison.
 */
export function OnEvent<T>(contract: Contract<T>, options: OnEventOptions = {}) {
  return <M extends (events: Received<T>[], context: BatchContext) => unknown>(
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const extras: OnEventExtras = { ...options, contract };
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    UseFilters(new AsThrown())(target, key, descriptor);
    EventPattern<string>(contract.type, { ...extras })(target, key, descriptor);
  };
}

/** Nest's own filter puts `{ status: 'error', message: 'Internal server error' }` in the error's place. */
@Catch()
class AsThrown implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
