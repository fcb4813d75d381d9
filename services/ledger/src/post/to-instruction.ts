import { ContractError, postingRequestedV1, type Instruction as WireInstruction, type PostingRequested } from '@points/contracts';
import { parseInstant, points, programmeId } from '@points/kernel';
import type { AnyInstruction, PostingRequest } from '../rules/instruction.js';

/** Data that keeps the contract, in the words of the rules. */
export function toPostingRequest({
  reference,
  programme,
  account,
  instruction,
  effectiveAt,
}: PostingRequested): PostingRequest<AnyInstruction> {
  return {
    reference,
    programme: programmeId(programme),
    account,
    instruction: toInstruction(instruction),
    // The contract's pattern is that of an Instant; a day that does not exist is caught here.
    ...(effectiveAt !== undefined && { effectiveAt: parseInstant(effectiveAt) }),
  };
}

function toInstruction(wire: WireInstruction): AnyInstruction {
  switch (wire.kind) {
    case 'release':
      return { kind: 'release', hold: wire.hold };
    case 'reverse':
      return { kind: 'reverse', of: wire.of };
    case 'hold': {
      const { expiresAt, ...rest } = wire;
      return { ...rest, amount: points(wire.amount), ...(expiresAt !== undefined && { expiresAt: parseInstant(expiresAt) }) };
    }
    case 'capture': {
      const { use, ...rest } = wire;
      return { ...rest, amount: points(wire.amount), ...(use !== undefined && { use }) };
    }
    default:
      return { ...wire, amount: points(wire.amount) };
  }
}

/** What the contract says against an instruction that came by HTTP; undefined when nothing. */
export function contractProblems(requested: { [Field in keyof PostingRequested]: unknown }): readonly string[] | undefined {
  try {
    postingRequestedV1.check(requested);
    return undefined;
  } catch (error) {
    if (error instanceof ContractError) return error.problems;
    throw error;
  }
}

/** The kinds that a caller by HTTP may ask for: staff reverse by a route of their own, with a reason. */
export type OpenKind = Exclude<WireInstruction['kind'], 'reverse'>;

/** The fields of each kind; the contract ignores others, an HTTP caller is told. */
export const fieldsOf: Readonly<Record<OpenKind, readonly string[]>> = {
  issue: ['amount', 'source', 'funding'],
  hold: ['hold', 'amount', 'places', 'expiresAt'],
  capture: ['hold', 'amount', 'final', 'to', 'use'],
  release: ['hold'],
  spend: ['amount', 'to', 'places'],
  convert: ['amount', 'to', 'places'],
  donate: ['amount', 'to', 'places'],
  refund: ['of', 'amount'],
  transfer: ['amount', 'to'],
};
