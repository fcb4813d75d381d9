import { createHash } from 'node:crypto';
import { Body, Controller, Inject, Param, Post } from '@nestjs/common';
import type { PostingRequested } from '@points/contracts';
import { answer, CauseOf, Operation, problem, ProgrammePath, refusal, type Answer, type Cause } from '@points/http';
import { parseInstant } from '@points/kernel';
import { programmeOfPath } from '../programmes/programme-path.js';
import { rejectionCodes } from '../rules/rejection.js';
import { Door, DoorFull } from './door.js';
import { PostedView, PostInstruction } from './posting-bodies.js';
import type { Completed } from './request.js';
import { contractProblems, fieldsOf, toPostingRequest } from './to-instruction.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/postings')
export class PostingsController {
  constructor(@Inject(Door) private readonly door: Door) {}

  @Post()
  @Operation({
    summary: 'Move a holder’s points',
    description: 'The Idempotency-Key is kept for ever as the reference of the posting: a repeated request hears the first outcome again.',
    scope: 'ledger:post',
    status: 201,
    answer: PostedView,
    problems: [...rejectionCodes, 'door-full'],
  })
  async post(@Param() path: ProgrammePath, @Body() body: PostInstruction, @CauseOf() cause: Cause): Promise<Answer<PostedView>> {
    const requested = requestedBy(path, body, cause);
    try {
      const [completed] = await this.door.post([
        { ...toPostingRequest(requested), actor: requested.cause.actor, ...(body.reason !== undefined && { reason: body.reason }) },
      ]);
      if (!completed) throw new Error('assertion failed: one request has one outcome');
      return toAnswer(requested.reference, completed);
    } catch (error) {
      if (error instanceof DoorFull) throw problem(503, 'door-full', 'more postings wait than can be remembered; ask again shortly');
      throw error;
    }
  }
}

function requestedBy(path: ProgrammePath, { holder, instruction, effectiveAt, reason }: PostInstruction, cause: Cause): PostingRequested {
  if (effectiveAt !== undefined && !cause.scopes.has('history:write'))
    throw problem(403, 'scope-missing', 'an effective time needs the scope history:write');
  const misplaced = Object.keys(instruction).filter((field) => field !== 'kind' && !fieldsOf[instruction.kind].includes(field));
  if (misplaced.length > 0)
    throw invalid(misplaced.map((field) => ({ field: `instruction.${field}`, reason: `does not belong to ${instruction.kind}` })));
  const requested = {
    reference: referenceOf(cause),
    municipality: path.municipality,
    programme: programmeOfPath(path),
    account: `holder:${holder.toLowerCase()}`,
    instruction: { ...instruction, ...(instruction.expiresAt !== undefined && { expiresAt: parseInstant(instruction.expiresAt) }) },
    ...(effectiveAt !== undefined && { effectiveAt: parseInstant(effectiveAt) }),
    cause: { actor: cause.client, ...(reason !== undefined && { reason }) },
  };
  const problems = contractProblems(requested);
  if (problems) throw invalid(problems.map((text) => ({ field: 'instruction', reason: text })));
  // Checked by the contract, line before.
  return requested as PostingRequested;
}

/** Names the client too, so that two clients with one key do not meet. A long pair is cut to its hash: a reference has 200 characters. */
function referenceOf({ client, idempotencyKey = '' }: Cause): string {
  const plain = `http:${client}/${idempotencyKey}`;
  return plain.length <= referenceCharsMax ? plain : `http:${createHash('sha256').update(plain).digest('base64url')}`;
}

const referenceCharsMax = 200;

function toAnswer(reference: string, { outcome, repeated }: Completed): Answer<PostedView> {
  const headers = repeated ? { 'idempotency-replayed': 'true' } : undefined;
  if (outcome.status === 'posted') {
    const { posting, amount, effectiveAt, balance, available } = outcome;
    return answer(201, { reference, posting, amount, effectiveAt, balance, available }, headers);
  }
  return refusal(outcome.code === 'unknown-programme' ? 404 : 422, outcome.code, outcome.detail, outcome.facts);
}

function invalid(errors: readonly { field: string; reason: string }[]) {
  return problem(422, 'invalid-request', `the body is wrong: ${errors.map((one) => `${one.field} ${one.reason}`).join('; ')}`, { errors });
}
