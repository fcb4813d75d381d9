import type { Contract } from '@points/contracts';

/** A fact to be told. `event` makes one. */
export interface OutgoingEvent<T = unknown> extends EventOptions {
  readonly contract: Contract<T>;
  readonly data: T;
}

export interface EventOptions {
  /** CloudEvents `id`, a uuid; a new version 7 when absent. Readers do each id once. */
  readonly id?: string;
  /** The service whose request this answers. A reader that names itself gets only these, and skips the rest without parsing them. */
  readonly requester?: string;
  /** W3C trace of the cause; that of the active span when absent. A batch's answers each name the trace of their own question. */
  readonly traceparent?: string | undefined;
}

/** A received event, its data checked against the contract. */
export interface Received<T = unknown> {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly key: string;
  readonly tenant?: string;
  readonly requester?: string;
  readonly traceparent?: string;
  readonly data: T;
  /** Without the installation's prefix, as in the contract. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** @throws ContractError when the data does not keep the contract. */
export function event<T>(contract: Contract<T>, data: NoInfer<T>, options: EventOptions = {}): OutgoingEvent<T> {
  return new CheckedEvent(contract, contract.check(data), options);
}

/** So that an event from `event` is not checked a second time on its way to the outbox. */
export function isChecked(outgoing: OutgoingEvent): boolean {
  return outgoing instanceof CheckedEvent;
}

/** A class and no list of the checked ones: a weak set of thousands a second keeps the garbage collector busy. */
class CheckedEvent<T> implements OutgoingEvent<T> {
  declare readonly id?: string;
  declare readonly requester?: string;
  declare readonly traceparent?: string | undefined;

  constructor(
    readonly contract: Contract<T>,
    readonly data: T,
    options: EventOptions,
  ) {
    Object.assign(this, options);
  }
}
