import type { PostingRequested } from '@points/contracts';
import { isUuid, parseInstant, tenantOf, type ProgrammeId } from '@points/kernel';
import type { AnyRequest } from '../post/request.js';
import { contractProblems, fieldsOf, toPostingRequest, type OpenKind } from '../post/to-instruction.js';

export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** A line of history, `{reference, holder, instruction, effectiveAt, reason?}`, as the door wants it, or all that is wrong with it. */
export function readHistoryLine(
  line: Readonly<Record<string, unknown>>,
  { programme, actor }: { programme: ProgrammeId; actor: string },
): { readonly request: AnyRequest } | { readonly errors: readonly FieldError[] } {
  const { reference, holder, instruction, effectiveAt, reason } = line;
  const errors: FieldError[] = [];
  const wrong = (field: string, why: string) => errors.push({ field, reason: why });
  for (const field of Object.keys(line)) if (!lineFields.has(field)) wrong(field, 'is not a field of a line');
  if (typeof reference !== 'string' || !referencePattern.test(reference))
    wrong('reference', 'must be history: and 1 to 190 printable characters without spaces');
  if (typeof holder !== 'string' || !isUuid(holder.toLowerCase())) wrong('holder', 'must be a UUID');
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > reasonCharsMax))
    wrong('reason', `must be text of at most ${reasonCharsMax} characters`);
  const at = readInstant(effectiveAt);
  if (at === undefined) wrong('effectiveAt', 'must be a time with its offset, such as 2018-02-28T09:00:00+09:00');
  const fields = readInstruction(instruction, wrong);
  if (errors.length > 0 || !fields || typeof holder !== 'string') return { errors };

  const requested = {
    reference,
    municipality: tenantOf(programme),
    programme,
    account: `holder:${holder.toLowerCase()}`,
    instruction: fields,
    effectiveAt: at,
    cause: { actor, ...(reason !== undefined && { reason }) },
  };
  const problems = contractProblems(requested);
  if (problems) return { errors: problems.map((text) => ({ field: 'instruction', reason: text })) };
  // Checked by the contract, line before.
  const request = toPostingRequest(requested as { [Field in keyof PostingRequested]: unknown } as PostingRequested);
  return { request: { ...request, actor, ...(typeof reason === 'string' && { reason }) } };
}

function readInstruction(value: unknown, wrong: (field: string, reason: string) => void): object | undefined {
  const fields = (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}) as Readonly<Record<string, unknown>>;
  const { kind, expiresAt } = fields;
  if (typeof kind !== 'string' || !(kind in fieldsOf)) {
    wrong('instruction.kind', `must be one of ${Object.keys(fieldsOf).join(', ')}`);
    return undefined;
  }
  // One of the keys, line before.
  const own = fieldsOf[kind as OpenKind];
  for (const field of Object.keys(fields))
    if (field !== 'kind' && !own.includes(field)) wrong(`instruction.${field}`, `does not belong to ${kind}`);
  if (expiresAt === undefined) return fields;
  const end = readInstant(expiresAt);
  if (end === undefined) wrong('instruction.expiresAt', 'must be a time with its offset');
  return { ...fields, expiresAt: end };
}

function readInstant(value: unknown) {
  try {
    return typeof value === 'string' ? parseInstant(value) : undefined;
  } catch {
    return undefined;
  }
}

const lineFields: ReadonlySet<string> = new Set(['reference', 'holder', 'instruction', 'effectiveAt', 'reason']);
/** A prefix of its own, so that no line can take the reference of another service's posting. */
const referencePattern = /^history:[\x21-\x7e]{1,190}$/;
const reasonCharsMax = 200;
