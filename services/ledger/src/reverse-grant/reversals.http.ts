import { Body, Controller, Inject, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, IsInstant, Operation, ProgrammePath, type Answer, type Cause } from '@points/http';
import { parsePoints } from '@points/kernel';
import { IsInt, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { postOne, referenceOf, toAnswer } from '../post/answer-posting.js';
import { Door } from '../post/door.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { rejectionCodes } from '../rules/rejection.js';

export class PostReversal {
  @IsUUID()
  holder!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  @JSONSchema({ description: 'the reference of the grant (a posting of the kind issue)' })
  of!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  @JSONSchema({ description: 'why; without personal data' })
  reason!: string;
}

export class ReversedView {
  @IsString()
  reference!: string;

  @IsUUID()
  posting!: string;

  @IsInt()
  @JSONSchema({ description: 'points that were still there and have been taken back' })
  amount!: number;

  @IsInt()
  @JSONSchema({ description: 'what the account owes now, with what earlier reversals left' })
  debt!: number;

  @IsInstant()
  effectiveAt!: string;

  @IsInt()
  balance!: number;

  @IsInt()
  available!: number;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/reversals')
export class ReversalsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Door) private readonly door: Door,
  ) {}

  @Post()
  @Operation({
    summary: 'Take a grant back',
    description:
      'What is still there is taken back. What was used, given away or is held is refused (reverse-exceeds) or becomes a debt that the next ' +
      'grants pay first, as `reverseOfSpent` of the programme’s rules says. What has expired is not asked for. A grant can be taken back once.',
    scope: 'ledger:adjust',
    status: 201,
    answer: ReversedView,
    problems: [...rejectionCodes, 'door-full'],
  })
  async post(@Param() path: ProgrammePath, @Body() body: PostReversal, @CauseOf() cause: Cause): Promise<Answer<ReversedView>> {
    const [programme, account] = [programmeOfPath(path), `holder:${body.holder.toLowerCase()}`];
    const reference = referenceOf(cause, cause.idempotencyKey ?? '');
    const completed = await postOne(this.door, {
      reference,
      programme,
      account,
      instruction: { kind: 'reverse', of: body.of },
      actor: cause.client,
      reason: body.reason,
    });
    const posted = toAnswer(reference, completed);
    // A refusal's body is a problem, whatever the type of the success.
    if (completed.outcome.status === 'refused') return posted as Answer<never>;
    const [row] = await this.database.transaction(tenants(path.municipality), (tx) =>
      tx.query<{ debt: string }>('select debt::text from account where programme = $1 and account = $2', [programme, account]),
    );
    return answer(posted.status, { ...posted.body, debt: parsePoints(row?.debt ?? '0') }, posted.headers);
  }
}
