import { Body, Controller, Get, Inject, Param, Post, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { PartnerPath, UploadKeyPath } from '../ids.js';
import {
  ApproveUploadKey,
  approveUploadKey,
  listUploadKeys,
  putUploadKey,
  PutUploadKey,
  UploadKeysView,
  UploadKeyView,
} from './upload-keys.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/upload-keys')
export class UploadKeysController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Put(':kid')
  @Operation({
    summary: 'Register the public key with which a partner signs its files, or end one',
    description:
      'It verifies nothing until a second person approves it; from the first approved key on, every upload of the partner must be signed. 201: registered. ' +
      '200: it is there; `to` may be set or brought forward, and holds at once; nothing else changes.',
    scope: 'partners:write',
    answer: UploadKeyView,
    also: { 201: UploadKeyView },
    problems: ['unknown-partner', 'key-exists', 'too-many-keys'],
  })
  async put(@Param() path: UploadKeyPath, @Body() body: PutUploadKey, @CauseOf() cause: Cause): Promise<Answer<UploadKeyView>> {
    const { isNew, key } = await this.database.transaction(tenants(path.municipality), (tx) =>
      putUploadKey(tx, path, path.kid, body, { client: cause.client, now: now() }),
    );
    return answer(isNew ? 201 : 200, key);
  }

  @Post(':kid/approvals')
  @Operation({
    summary: 'Approve a key that somebody else registered',
    description: 'The fingerprint is compared with what the partner says by another way than it sent the key.',
    scope: 'partners:approve',
    status: 201,
    answer: UploadKeyView,
    problems: ['unknown-partner', 'unknown-key', 'same-person', 'already-decided'],
  })
  approve(@Param() path: UploadKeyPath, @Body() body: ApproveUploadKey, @CauseOf() cause: Cause): Promise<Answer<UploadKeyView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(201, await approveUploadKey(tx, path, path.kid, body, { client: cause.client, now: now() }))),
    );
  }

  @Get()
  @Operation({ summary: 'Keys with which a partner signs its files', scope: 'partners:read', answer: UploadKeysView })
  async list(@Param() path: PartnerPath): Promise<UploadKeysView> {
    const keys = await this.database.transaction(tenants(path.municipality), (tx) => listUploadKeys(tx, path.programme, path.partner));
    return { keys };
  }
}
