import { Body, Controller, Inject, Post } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import { answer, CauseOf, once, Operation, type Answer, type Cause } from '@points/http';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { RepublishedView, RepublishHolders } from './holder-shapes.js';
import { republishHolders, republishHoldersMax } from './republish-holders.js';

@Controller('v1/platform/holders')
export class PlatformHoldersController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post('republish')
  @Operation({
    summary: 'Tell again who has which My Key ID',
    description:
      'For a service that is new and needs the list. One call tells up to 5,000 holders; go on with `after` until the answer has no `next`.',
    scope: 'holders:republish',
    platform: true,
    answer: RepublishedView,
  })
  async republish(@Body() { after, limit }: RepublishHolders, @CauseOf() cause: Cause): Promise<Answer<RepublishedView>> {
    const told = await this.database.transaction(everyTenant, (tx) =>
      once(tx, cause, async () => answer(200, await republishHolders(tx, after, limit ?? republishHoldersMax))),
    );
    this.log.info({ published: told.body.published, by: cause.client }, 'holders told again');
    return told;
  }
}
