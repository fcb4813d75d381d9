import 'reflect-metadata';

export type Type = new (...args: never[]) => object;

export interface OperationOptions {
  /** One line for the API documentation. */
  readonly summary: string;
  readonly description?: string;
  /** The scope a token needs. Exactly one of `scope` and `public` is given. */
  readonly scope?: string;
  readonly public?: true;
  /** Operators of the platform only: the path has no municipality and the token must be for all tenants. */
  readonly platform?: true;
  /** Status of success, 200 unless told. */
  readonly status?: number;
  /** The class of the answer; in an array: a list of them. */
  readonly answer?: Type | readonly [Type];
  /** Further successes, by status. */
  readonly also?: Readonly<Record<number, Type>>;
  /** Codes of refusals that are this operation's own; those of the frame (token, validation, key) are added. */
  readonly problems?: readonly string[];
  /** False for a POST that changes nothing. */
  readonly idempotent?: false;
  /** Media type of the answer when it is not JSON. */
  readonly produces?: string;
}

const key = Symbol.for('points.operation');

/** Every route carries one, or the service refuses to start: nothing is open by forgetting. */
export function Operation(options: OperationOptions): MethodDecorator {
  if ((options.scope === undefined) === (options.public === undefined))
    throw new Error(`operation "${options.summary}" needs a scope or must be listed as public`);
  return (_target, _name, descriptor) => {
    Reflect.defineMetadata(key, options, descriptor.value as object);
  };
}

export function operationOf(handler: object): OperationOptions | undefined {
  return Reflect.getMetadata(key, handler) as OperationOptions | undefined;
}
