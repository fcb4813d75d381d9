import { Body, Controller, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, ProgrammePath, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { priceRefusalCodes } from '../rules/price.js';
import { askQuote } from './ask-quote.js';
import { AskQuote, QuoteView } from './quote-shapes.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/quotes')
export class QuotesController {
  constructor(private readonly database: Database) {}

  @Post()
  @Operation({
    summary: 'What an exchange would give, valid for ten minutes',
    description:
      'The first of two steps: show the resident the answer, then place the order with its `quote`. The order gives what the quote says even if ' +
      'the rate has changed meanwhile.',
    scope: 'exchange:write',
    status: 201,
    answer: QuoteView,
    problems: ['unknown-partner', 'client-not-of-partner', 'unknown-my-key-id', ...priceRefusalCodes],
  })
  ask(@Param() path: ProgrammePath, @Body() body: AskQuote, @CauseOf() cause: Cause): Promise<Answer<QuoteView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(201, await askQuote(tx, cause, path.programme, body, now()))),
    );
  }
}
