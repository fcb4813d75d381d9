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
  /** Media types of a body that the handler reads from the socket itself; without them the body is JSON, of the class of `@Body`. */
  readonly consumes?: Readonly<Record<string, FileInfo>>;
  /** Header fields that the handler reads, besides those of the frame. */
  readonly headers?: readonly HeaderInfo[];
  /** Media type of the answer when it is not JSON. */
  readonly produces?: string;
}

/** A file of lines that is not read as one JSON value. */
export interface FileInfo {
  readonly description: string;
  /** The class of what one line holds. */
  readonly line: Type;
  readonly example: string;
}

export interface HeaderInfo {
  readonly name: string;
  readonly description: string;
  readonly isRequired: boolean;
  readonly example: string;
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
