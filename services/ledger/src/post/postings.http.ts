import { Body, Controller, Inject, Param, Post, Query } from '@nestjs/common';
import type { PostingRequested } from '@points/contracts';
import { answer, CauseOf, Operation, problem, ProgrammePath, refusal, type Answer, type Cause } from '@points/http';
import { parseInstant } from '@points/kernel';
import { programmeOfPath } from '../programmes/programme-path.js';
import { rejectionCodes } from '../rules/rejection.js';
import { orFull, postOne, referenceOf, toAnswer, toDryAnswer } from './answer-posting.js';
import { Door } from './door.js';
import { BatchOutcomeView, BatchView, DryRunView, PostBatch, PostedView, PostingQuery, PostInstruction } from './posting-bodies.js';
import type { AnyRequest, Completed } from './request.js';
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
    also: { 200: DryRunView },
    problems: [...rejectionCodes, 'door-full'],
  })
  async post(
    @Param() path: ProgrammePath,
    @Query() { dryRun = false }: PostingQuery,
    @Body() body: PostInstruction,
    @CauseOf() cause: Cause,
  ): Promise<Answer<PostedView | DryRunView>> {
    const reference = referenceOf(cause, cause.idempotencyKey ?? '');
    const completed = await postOne(this.door, requestedBy(path, body, reference, cause), { dryRun });
    return dryRun ? toDryAnswer(completed) : toAnswer(reference, completed);
  }

  @Post('batch')
  @Operation({
    summary: 'Move points of many holders, all or each for itself',
    description:
      'Each posting has a reference of its own, which makes one effect of a posting however often and in whatever batch it is sent. ' +
      'An atomic batch with a refusal leaves nothing behind, so it may be sent again, put right, with the same references.',
    scope: 'ledger:post',
    answer: BatchView,
    problems: ['batch-refused', 'door-full'],
  })
  async postBatch(@Param() path: ProgrammePath, @Body() body: PostBatch, @CauseOf() cause: Cause): Promise<Answer<BatchView>> {
    const { mode, dryRun = false, postings } = body;
    const requests = postings.map((one, index) => requestedBy(path, one, referenceOf(cause, one.reference), cause, `postings.${index}.`));
    const isTogether = mode === 'atomic' || dryRun;
    const completed = await orFull(
      isTogether ? this.door.postTogether({ requests, atomic: mode === 'atomic', dryRun }) : this.door.post(requests),
    );
    return toBatchAnswer(body, requests, completed);
  }
}

function toBatchAnswer(
  { mode, dryRun = false, postings }: PostBatch,
  requests: readonly AnyRequest[],
  completed: readonly Completed[],
): Answer<BatchView> {
  const outcomes = completed.map((one, index) =>
    toOutcome(one, postings[index]?.reference ?? '', requests[index]?.reference ?? '', dryRun),
  );
  const first = mode === 'atomic' ? outcomes.findIndex((one) => one.status === 'refused') : -1;
  const refused = outcomes[first];
  if (refused) {
    return refusal(
      422,
      'batch-refused',
      `posting ${first + 1} of ${postings.length}, ${refused.reference}, was refused: ${refused.detail ?? ''}; nothing was carried out`,
      {
        index: first,
        reference: refused.reference,
        refused: refused.code,
        outcomes,
      },
    );
  }
  const posted = outcomes.filter((one) => one.status === 'posted').length;
  return answer(200, { mode, dryRun, posted, refused: outcomes.length - posted, outcomes });
}

function toOutcome({ outcome, repeated }: Completed, reference: string, postingReference: string, dryRun: boolean): BatchOutcomeView {
  if (outcome.status === 'refused') {
    const { code, detail, facts } = outcome;
    return {
      reference,
      status: code === 'not-carried-out' ? code : 'refused',
      code,
      detail,
      ...(facts && { facts }),
      ...(repeated && { repeated }),
    };
  }
  const { posting, amount, effectiveAt, balance, available } = outcome;
  const named = dryRun && !repeated ? {} : { postingReference, posting };
  return { reference, status: 'posted', ...named, amount, effectiveAt, balance, available, ...(repeated && { repeated }) };
}

/** `where` is put before the names of wrong fields. */
function requestedBy(path: ProgrammePath, body: PostInstruction, reference: string, cause: Cause, where = ''): AnyRequest {
  const { holder, instruction, effectiveAt, reason } = body;
  if (effectiveAt !== undefined && !cause.scopes.has('history:write'))
    throw problem(403, 'scope-missing', 'an effective time needs the scope history:write');
  const misplaced = Object.keys(instruction).filter((field) => field !== 'kind' && !fieldsOf[instruction.kind].includes(field));
  if (misplaced.length > 0)
    throw invalid(misplaced.map((field) => ({ field: `${where}instruction.${field}`, reason: `does not belong to ${instruction.kind}` })));
  const requested = {
    reference,
    municipality: path.municipality,
    programme: programmeOfPath(path),
    account: `holder:${holder.toLowerCase()}`,
    instruction: { ...instruction, ...(instruction.expiresAt !== undefined && { expiresAt: parseInstant(instruction.expiresAt) }) },
    ...(effectiveAt !== undefined && { effectiveAt: parseInstant(effectiveAt) }),
    cause: { actor: cause.client, ...(reason !== undefined && { reason }) },
  };
  const problems = contractProblems(requested);
  if (problems) throw invalid(problems.map((text) => ({ field: `${where}instruction`, reason: text })));
  // Checked by the contract, line before.
  return { ...toPostingRequest(requested as PostingRequested), actor: cause.client, ...(reason !== undefined && { reason }) };
}

function invalid(errors: readonly { field: string; reason: string }[]) {
  return problem(422, 'invalid-request', `the body is wrong: ${errors.map((one) => `${one.field} ${one.reason}`).join('; ')}`, { errors });
}
