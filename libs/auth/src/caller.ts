/** Who calls, as the token says. */
export interface Caller {
  readonly client: string;
  readonly scopes: ReadonlySet<string>;
  /** Municipality codes, or `*` for an operator of the platform. */
  readonly tenants: ReadonlySet<string>;
}

export function mayActFor(caller: Caller, municipality: string): boolean {
  return caller.tenants.has(municipality) || caller.tenants.has('*');
}
