import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { answer, CauseOf, once, Operation, problem, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { ExchangeConfig } from '../exchange.config.js';
import { PartnerPath } from '../ids.js';
import { AttemptsQuery, AttemptsView, listAttempts } from './delivery-log.js';
import {
  AnnouncedView,
  NewWebhookEndpointView,
  NewWebhookSecretView,
  overlapHoursDefault,
  PutWebhookEndpoint,
  RotateWebhookSecret,
  WebhookEndpointPath,
  WebhookEndpointsView,
  WebhookEndpointView,
} from './endpoint.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { checkMayManage, deleteEndpoint, findEndpoint, listEndpoints, lockEndpoint, putEndpoint, unknownEndpoint } from './put-endpoint.js';
import { ping, replay, ReplayView, ReplayWebhooks, resend, ResendWebhook } from './replay.js';
import { readNewSecret, writeSecret } from './secret.js';

const ofPartner = ['unknown-partner', 'client-not-of-partner'];
const ofEndpoint = [...ofPartner, 'unknown-endpoint'];

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/webhook-endpoints')
export class WebhookEndpointsController {
  constructor(
    private readonly database: Database,
    private readonly config: ExchangeConfig,
  ) {}

  @Put(':endpoint')
  @Operation({
    summary: 'Set up where a partner is told by webhook, or change it',
    description:
      'A new endpoint answers 201 with its secret, which is shown this once. What is left out takes its default: all types, state active. ' +
      'An endpoint that was disabled is active again by a PUT that does not say otherwise; what it missed can be replayed.',
    scope: 'webhooks:write',
    answer: WebhookEndpointView,
    also: { 201: NewWebhookEndpointView },
    problems: [...ofPartner, 'too-many-endpoints'],
  })
  async put(
    @Param() path: WebhookEndpointPath,
    @Body() body: PutWebhookEndpoint,
    @CauseOf() cause: Cause,
  ): Promise<Answer<WebhookEndpointView | NewWebhookEndpointView>> {
    const options = { allowPrivate: this.config.WEBHOOK_ALLOW_PRIVATE === 'true', now: now() };
    const { endpoint, secret } = await this.inPartner(path, cause, (tx) => putEndpoint(tx, path, body, options));
    return secret === undefined ? answer(200, endpoint.view) : answer(201, { ...endpoint.view, secret });
  }

  @Get()
  @Operation({ summary: 'Where a partner is told by webhook', scope: 'webhooks:read', answer: WebhookEndpointsView, problems: ofPartner })
  async list(@Param() path: PartnerPath, @CauseOf() cause: Cause): Promise<WebhookEndpointsView> {
    const endpoints = await this.inPartner(path, cause, (tx) => listEndpoints(tx, path));
    return { endpoints: endpoints.map((one) => one.view) };
  }

  @Get(':endpoint')
  @Operation({
    summary: 'A webhook endpoint, without its secrets',
    scope: 'webhooks:read',
    answer: WebhookEndpointView,
    problems: ofEndpoint,
  })
  async read(@Param() path: WebhookEndpointPath, @CauseOf() cause: Cause): Promise<WebhookEndpointView> {
    return (await this.inPartner(path, cause, (tx) => findEndpoint(tx, path))).view;
  }

  @Delete(':endpoint')
  @Operation({
    summary: 'Remove a webhook endpoint, its secrets and what waits for it',
    scope: 'webhooks:write',
    status: 204,
    problems: ofEndpoint,
  })
  async remove(@Param() path: WebhookEndpointPath, @CauseOf() cause: Cause): Promise<void> {
    await this.inPartner(path, cause, (tx) => deleteEndpoint(tx, path));
  }

  @Post(':endpoint/secrets')
  @Operation({
    summary: 'Give a webhook endpoint a new secret',
    description:
      'Webhooks are signed with the new and with the one before until the overlap is over (24 h unless told), then with the new one alone. ' +
      'There are never more than two: one from a rotation before ends now. The secret is shown in this answer, and to the same Idempotency-Key again while it is the newest.',
    scope: 'webhooks:write',
    status: 201,
    answer: NewWebhookSecretView,
    problems: [...ofEndpoint, 'secret-replaced'],
  })
  async rotate(
    @Param() path: WebhookEndpointPath,
    @Body() body: RotateWebhookSecret,
    @CauseOf() cause: Cause,
  ): Promise<Answer<NewWebhookSecretView>> {
    // Stored with the key is the id alone: the secret stands in one table.
    const { made, secret } = await this.inPartner(path, cause, async (tx) => {
      const made = await once(tx, cause, async () => {
        const endpoint = await lockEndpoint(tx, path);
        if (!endpoint) throw unknownEndpoint();
        const overlapHours = body.overlapHours ?? overlapHoursDefault;
        const { id } = await writeSecret(tx, { municipality: path.municipality, endpointId: endpoint.id, overlapHours, now: now() });
        return answer(201, { id });
      });
      return { made, secret: await readNewSecret(tx, made.body.id) };
    });
    if (!secret)
      throw problem(409, 'secret-replaced', 'the secret of this request was replaced by a newer one; rotate again with a new key');
    return answer(made.status, secret, made.headers);
  }

  @Post(':endpoint/pings')
  @Operation({
    summary: 'Send a test to a webhook endpoint',
    description: 'webhook.ping, once, also to a disabled endpoint. What came of it is in the attempts.',
    scope: 'webhooks:write',
    status: 202,
    answer: AnnouncedView,
    problems: [...ofEndpoint, 'too-many-waiting'],
  })
  ping(@Param() path: WebhookEndpointPath, @CauseOf() cause: Cause): Promise<Answer<AnnouncedView>> {
    return this.inPartner(path, cause, (tx) =>
      once(tx, cause, async () => answer(202, { event: await ping(tx, path, await findEndpoint(tx, path)) })),
    );
  }

  @Post(':endpoint/replays')
  @Operation({
    summary: 'Have what happened in a span of time sent again',
    description:
      'Under the same webhook-ids, in any order, also what happened before the endpoint was set up. At most 10,000 events a call; `next` says how to go on.',
    scope: 'webhooks:write',
    status: 202,
    answer: ReplayView,
    problems: [...ofEndpoint, 'endpoint-disabled', 'too-many-waiting', 'unknown-event'],
  })
  replay(@Param() path: WebhookEndpointPath, @Body() body: ReplayWebhooks, @CauseOf() cause: Cause): Promise<Answer<ReplayView>> {
    return this.inPartner(path, cause, (tx) =>
      once(tx, cause, async () => answer(202, await replay(tx, path, await findEndpoint(tx, path), body, now()))),
    );
  }

  @Post(':endpoint/resends')
  @Operation({
    summary: 'Have one event sent again',
    scope: 'webhooks:write',
    status: 202,
    answer: AnnouncedView,
    problems: [...ofEndpoint, 'endpoint-disabled', 'too-many-waiting', 'unknown-event'],
  })
  resend(@Param() path: WebhookEndpointPath, @Body() body: ResendWebhook, @CauseOf() cause: Cause): Promise<Answer<AnnouncedView>> {
    return this.inPartner(path, cause, (tx) =>
      once(tx, cause, async () => {
        await resend(tx, path, await findEndpoint(tx, path), body.event);
        return answer(202, { event: body.event });
      }),
    );
  }

  @Get(':endpoint/attempts')
  @Operation({
    summary: 'What came of the webhooks that were sent, the newest first',
    scope: 'webhooks:read',
    answer: AttemptsView,
    problems: ofEndpoint,
  })
  attempts(@Param() path: WebhookEndpointPath, @Query() query: AttemptsQuery, @CauseOf() cause: Cause): Promise<AttemptsView> {
    return this.inPartner(path, cause, async (tx) => listAttempts(tx, (await findEndpoint(tx, path)).id, query));
  }

  private inPartner<T>(path: PartnerKey, cause: Cause, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await checkMayManage(tx, path, cause);
      return work(tx);
    });
  }
}
