import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { ConversionPath } from '../ids.js';
import { refusedAnswer } from '../refused-answer.js';
import { isOver } from '../rules/conversion-state.js';
import { Waiting } from '../waiting.js';
import { ConversionView, RequestConversion, type Conversion } from './conversion.js';
import { CreditAtScheme } from './credit-at-scheme.job.js';
import { findConversion, requestConversion, tryAgain } from './request-conversion.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/conversions')
export class ConversionsController {
  constructor(
    private readonly database: Database,
    private readonly waiting: Waiting,
    private readonly credits: CreditAtScheme,
  ) {}

  @Post()
  @Operation({
    summary: 'Convert municipal points to an outside card scheme',
    description:
      'The points are held, credited by the scheme, then spent. 201: done. 202: not over within 3 s, or ' +
      'asked for by the nightly file of the scheme; it ends by itself, ask for it. 200: this ' +
      'conversion existed with the same content. 422: refused by the ledger (its code and facts are passed on) or by the scheme; nothing was spent.',
    scope: 'conversions:write',
    status: 201,
    answer: ConversionView,
    also: { 200: ConversionView, 202: ConversionView },
    problems: [
      'conversion-exists',
      'unknown-scheme',
      'unknown-my-key-id',
      'scheme-refused',
      'scheme-unanswered',
      'and those of the ledger',
    ],
  })
  async request(@Param() path: ProgrammePath, @Body() body: RequestConversion, @CauseOf() cause: Cause): Promise<Answer<ConversionView>> {
    // As with orders: stored with the key is the beginning, the end is read from the row.
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const { isNew, conversion } = await requestConversion(tx, cause, path.programme, body, now());
        return answer(isNew ? 201 : 200, conversion);
      }),
    );
    const isFirst = asked.status === 201 && asked.headers === undefined;
    const conversion = await this.end(path, asked.body, isFirst);
    return endedAnswer(conversion.view, asked);
  }

  @Get(':conversionId')
  @Operation({ summary: 'A conversion and its state', scope: 'conversions:read', answer: ConversionView, problems: ['unknown-conversion'] })
  async read(@Param() path: ConversionPath): Promise<ConversionView> {
    const found = await this.database.transaction(tenants(path.municipality), (tx) =>
      findConversion(tx, path.programme, path.conversionId),
    );
    if (!found) throw problem(404, 'unknown-conversion', 'the programme has no such conversion');
    return found.view;
  }

  @Post(':conversionId/attempts')
  @Operation({
    summary: 'Try a waiting conversion again, now',
    description:
      'For an operator. At a scheme with an API: it is asked at once, and gets all its attempts anew. In dispute: the ledger is asked again for the capture or release.',
    scope: 'conversions:write',
    status: 202,
    answer: ConversionView,
    problems: ['unknown-conversion', 'not-waiting', 'delivered-by-file'],
  })
  tryAgain(@Param() path: ConversionPath, @CauseOf() cause: Cause): Promise<Answer<ConversionView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const { view } = await tryAgain(tx, path.programme, path.conversionId);
        tx.afterCommit(() => this.credits.nudge());
        return answer(202, view);
      }),
    );
  }

  /** The conversion once it is over, or as it is at the deadline. */
  private async end(path: ProgrammePath, known: Conversion, isFirst: boolean): Promise<Conversion> {
    const { conversionId } = known.view;
    const read = async () =>
      (await this.database.transaction(tenants(path.municipality), (tx) => findConversion(tx, path.programme, conversionId))) ?? known;
    if (isAtRest(known.view)) return known;
    const over = this.waiting.until(known.id);
    // A repeated call may have come after the end: nobody will wake it.
    if (!isFirst && isAtRest((await read()).view)) this.waiting.wake([known.id]);
    await over;
    return read();
  }
}

/** What happens next takes no seconds: it is over, or waits for the scheme's file and its results. */
function isAtRest({ state, atScheme }: ConversionView): boolean {
  return isOver(state) || atScheme?.delivery === 'file';
}

function endedAnswer(conversion: ConversionView, asked: Answer<Conversion>): Answer<ConversionView> {
  switch (conversion.state) {
    case 'completed':
      return answer(asked.status, conversion, asked.headers);
    case 'refused': {
      const { conversionId, scheme, state } = conversion;
      return refusedAnswer(conversion.refusal, { conversionId, scheme, state }, asked.headers);
    }
    case 'requested':
    case 'at-scheme':
    case 'capturing':
    case 'releasing':
    case 'in-dispute':
      return answer(202, conversion, asked.headers);
  }
}
