import { Body, Controller, Delete, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import {
  answer,
  CauseOf,
  keyOf,
  once,
  Operation,
  Problem,
  problem,
  ProgrammePath,
  recallAnswers,
  type Answer,
  type Cause,
} from '@points/http';
import { parseInstant } from '@points/kernel';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { now } from '../clock.js';
import { PartnerPath } from '../ids.js';
import { findConnection } from './connection.js';
import { aboutToken, connectionFor, endLink, findLinks, holderOf, keepLink, keepStart, lockLink, takeStart, visitMinutes } from './link.js';
import { readLink } from './link.js';
import { AccountLinksView, AccountLinkView, FinishLink, LinkPath, LinksQuery, StartedLinkView, StartLink } from './link-shapes.js';
import { SealKeeper } from './seal-keeper.js';
import { SignInAtPartner } from './sign-in-at-partner.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class LinksController {
  constructor(
    private readonly database: Database,
    private readonly signIn: SignInAtPartner,
    private readonly seals: SealKeeper,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post('partners/:partner/account-links')
  @Operation({
    summary: 'Begin to link a resident’s account at a partner',
    description: `Answers where to send the resident’s browser. The address works once and for ${visitMinutes} minutes.`,
    scope: 'links:write',
    status: 201,
    answer: StartedLinkView,
    problems: [
      'unknown-partner',
      'client-not-of-partner',
      'partner-not-connected',
      'unknown-my-key-id',
      'links-not-set-up',
      'partner-unavailable',
    ],
  })
  async start(@Param() path: PartnerPath, @Body() { myKeyId }: StartLink, @CauseOf() cause: Cause): Promise<Answer<StartedLinkView>> {
    const { seal } = this.seals;
    const [connection, holder] = await this.database.transaction(tenants(path.municipality), async (tx) => [
      await connectionFor(tx, cause, path.programme, path.partner, seal),
      await holderOf(tx, myKeyId),
    ]);
    // Asked outside of any transaction: the first visit reads the partner's addresses.
    const visit = await this.signIn.begin(connection).catch((error: unknown) => {
      this.log.warn({ partner: path.partner, code: codeOf(error) }, 'the sign-in of a partner cannot be read');
      throw problem(503, 'partner-unavailable', 'the sign-in of the partner cannot be reached; try again later', { partner: path.partner });
    });
    const expiresAt = parseInstant(new Date(Date.parse(now()) + visitMinutes * 60_000).toISOString());
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        await keepStart(tx, path, { holder, visit, redirectUri: connection.redirectUri, expiresAt }, seal);
        return answer(201, { authorizationUrl: visit.url, state: visit.state, expiresAt });
      }),
    );
  }

  @Post('partners/:partner/account-links/callback')
  @Operation({
    summary: 'Finish a link with what the browser brought back',
    scope: 'links:write',
    status: 201,
    answer: AccountLinkView,
    problems: [
      ...['unknown-partner', 'client-not-of-partner', 'partner-not-connected', 'unknown-my-key-id', 'links-not-set-up'],
      ...[
        'unknown-state',
        'link-of-another-person',
        'link-denied',
        'partner-refused',
        'partner-unavailable',
        'already-linked',
        'account-linked-elsewhere',
      ],
    ],
  })
  async finish(@Param() path: PartnerPath, @Body() body: FinishLink, @CauseOf() cause: Cause): Promise<Answer<AccountLinkView>> {
    const { seal } = this.seals;
    const { known, connection, taken } = await this.database.transaction(tenants(path.municipality), async (tx) => {
      const [before] = await recallAnswers<AccountLinkView>(tx, [keyOf(cause)]);
      if (before) return { known: before };
      const found = await connectionFor(tx, cause, path.programme, path.partner, seal);
      const holder = await holderOf(tx, body.myKeyId);
      return { connection: found, taken: await this.take(tx, path, body.state, holder) };
    });
    if (known instanceof Problem) throw known;
    if (known) return known;
    // The visit is used up now, whatever comes of it: a code works once.
    if (!connection || !taken)
      throw problem(422, 'unknown-state', 'this visit to the partner is not known, was used, or took too long: begin anew');
    if (taken === 'another-person')
      throw problem(422, 'link-of-another-person', 'the link was begun for another person than the one who came back: begin anew');
    if (body.code === undefined)
      throw problem(422, 'link-denied', 'the resident did not allow the link at the partner', {
        ...(body.error !== undefined && { error: body.error }),
      });
    const given = await this.signIn.finish(connection, {
      ...{ ...taken, code: body.code, state: body.state },
      ...(body.iss !== undefined && { iss: body.iss }),
    });
    if (given.kind === 'gone') throw problem(422, 'partner-refused', given.reason, { partner: path.partner });
    if (given.kind === 'failed') throw problem(503, 'partner-unavailable', `${given.reason}: begin anew`, { partner: path.partner });
    const linked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () =>
        answer(
          201,
          await keepLink(
            tx,
            path,
            { holder: taken.holder, subjectHash: given.subjectHash, tokens: given.tokens, client: cause.client, now: now() },
            seal,
          ),
        ),
      ),
    );
    this.log.info({ link: linked.body.link, partner: path.partner }, 'account linked');
    return linked;
  }

  @Get('account-links')
  @Operation({
    summary: 'The linked accounts of a resident, ended ones too',
    description: 'A partner’s own client sees those at that partner only.',
    scope: 'links:read',
    answer: AccountLinksView,
    problems: ['unknown-my-key-id'],
  })
  list(@Param() path: ProgrammePath, @Query() { myKeyId }: LinksQuery, @CauseOf() cause: Cause): Promise<AccountLinksView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => ({
      links: await findLinks(tx, cause, path.programme, await holderOf(tx, myKeyId)),
    }));
  }

  @Delete('account-links/:link')
  @Operation({
    summary: 'Unlink an account; orders under way come to their end all the same',
    description: 'The tokens are forgotten here at once, and taken back at the partner where it can be reached.',
    scope: 'links:write',
    answer: AccountLinkView,
    problems: ['unknown-link', 'links-not-set-up'],
  })
  async unlink(@Param() path: LinkPath, @CauseOf() cause: Cause): Promise<AccountLinkView> {
    const { seal } = this.seals;
    const { view, revocation } = await this.database.transaction(tenants(path.municipality), async (tx) => {
      const found = await lockLink(tx, cause, path.programme, path.link);
      if (!found) throw problem(404, 'unknown-link', 'the programme has no such link');
      if (!(await endLink(tx, path.link, 'unlinked')) || found.sealedRefreshToken === null) return { view: found.view };
      const connection = await findConnection(tx, path.programme, found.view.partner, seal);
      const refreshToken = seal.open(found.sealedRefreshToken, aboutToken(path.link, 'refresh'));
      const ended = await readLink(tx, path.link);
      return { view: ended ?? found.view, ...(connection && { revocation: { connection, refreshToken } }) };
    });
    if (revocation) {
      const isRevoked = await this.signIn.revoke(revocation.connection, revocation.refreshToken);
      this.log.info({ link: path.link, isRevoked }, 'account unlinked');
    }
    return view;
  }

  private async take(tx: Parameters<typeof takeStart>[0], path: PartnerPath, state: string, holder: string) {
    const taken = await takeStart(tx, path, state, this.seals.seal);
    return taken && taken.holder !== holder ? ('another-person' as const) : taken;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
