import { type Static, type TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';

/** The data does not keep the contract. Names the field and what would be right; never holds the value. */
export class ContractError extends Error {
  constructor(
    readonly contract: string,
    readonly problems: readonly string[],
  ) {
    super(`${contract}: ${problems.join('; ')}`);
  }
}

/** One version of one event. Optional fields may be added; anything else is a new version beside this one. */
export interface Contract<T = unknown> {
  /** CloudEvents `type`, in the form `ledger.posting-requested.v1`. */
  readonly type: string;
  readonly topic: string;
  readonly summary: string;
  readonly schema: TSchema;
  /** The partition key: one key has one order. */
  key(data: T): string;
  /** The municipality whose data this is; absent for facts of the whole platform. */
  tenant(data: T): string | undefined;
  /** Checks on the way out and in; a reader ignores fields it does not know. @throws ContractError */
  check(data: unknown): T;
}

export type DataOf<C> = C extends Contract<infer T> ? T : never;

const ajv = new Ajv({ allErrors: true, strict: false, discriminator: true });
// ajv-formats is CommonJS: its default export is a property of the namespace when imported from ESM.
(addFormats as unknown as (instance: Ajv) => void)(ajv);

export function defineContract<S extends TSchema>(definition: {
  readonly type: string;
  readonly topic: string;
  readonly summary: string;
  readonly schema: S;
  readonly key: (data: Static<S>) => string;
  readonly tenant: (data: Static<S>) => string | undefined;
}): Contract<Static<S>> {
  const validate = ajv.compile<Static<S>>(definition.schema);
  return {
    ...definition,
    check(data) {
      if (!validate(data)) throw new ContractError(definition.type, (validate.errors ?? []).slice(0, problemsMax).map(describe));
      return data;
    },
  };
}

const problemsMax = 20;

function describe(error: ErrorObject): string {
  const field = error.instancePath.slice(1).replaceAll('/', '.') || 'data';
  return `${field} ${error.message ?? 'is wrong'}`;
}
