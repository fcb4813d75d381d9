import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, Operation, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { PartnerPath, UploadKeyPath } from '../ids.js';
import { listUploadKeys, putUploadKey, PutUploadKey, UploadKeysView, UploadKeyView } from './upload-keys.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/upload-keys')
export class UploadKeysController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Put(':kid')
  @Operation({
    summary: 'Register the public key with which a partner signs its files, or end one',
    description:
      'From the first key on, every upload of the partner must be signed. 201: registered. 200: it is there; `to` may be set or brought forward, nothing else changes.',
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

  @Get()
  @Operation({ summary: 'Keys with which a partner signs its files', scope: 'partners:read', answer: UploadKeysView })
  async list(@Param() path: PartnerPath): Promise<UploadKeysView> {
    const keys = await this.database.transaction(tenants(path.municipality), (tx) => listUploadKeys(tx, path.programme, path.partner));
    return { keys };
  }
}
