import { Controller, Get, Inject, Param, Query, Req, Res, StreamableFile } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { CauseOf, formatOf, jsonOrCsv, Operation, pageLimit, PageQuery, type Cause } from '@points/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { now } from '../clock.js';
import { SchemeFilePath, SchemePath } from '../ids.js';
import type { SchemeView } from '../set-up-schemes/scheme.js';
import { SchemeFilesView, SchemeFileStandView } from './file-shapes.js';
import { filesTable, listFiles, readContent, readFile, requireSchemeClient } from './find-file.js';

const common = ['unknown-scheme', 'client-not-of-scheme'];
const ofDay = [...common, 'unknown-file', 'before-cut-off', 'file-not-made'];

@Controller('v1/municipalities/:municipality/programmes/:programme/schemes/:scheme/files')
export class SchemeFilesController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Get()
  @Operation({
    summary: 'Nightly files of a card scheme, newest first',
    description:
      'A day without conversions has a file without lines, so that no day is missing. A scheme’s own client sees its scheme only. CSV by Accept: text/csv ' +
      'or ?format=csv; its next page is in the header Link.',
    scope: 'scheme-files:read',
    answer: SchemeFilesView,
    problems: common,
  })
  list(
    @Param() path: SchemePath,
    @Query() query: PageQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SchemeFilesView | string> {
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const page = { limit: pageLimit(query.limit, format), ...(query.after !== undefined && { after: query.after }) };
    return this.asScheme(path, cause, async (tx) => jsonOrCsv(wire, format, await listFiles(tx, path, page), filesTable));
  }

  @Get(':day')
  @Operation({
    summary: 'A nightly file: its count, sum and SHA-256, and what has become of its lines',
    scope: 'scheme-files:read',
    answer: SchemeFileStandView,
    problems: ofDay,
  })
  read(@Param() path: SchemeFilePath, @CauseOf() cause: Cause): Promise<SchemeFileStandView> {
    return this.asScheme(path, cause, (tx, scheme) => readFile(tx, scheme, path, now()));
  }

  @Get(':day/content')
  @Operation({
    summary: 'The nightly file itself',
    description:
      'Columns: creditId (<programme>:<conversionId>), member, points, requestedAt. The same bytes whenever it is asked for; Content-Digest (RFC 9530) has ' +
      'their SHA-256.',
    scope: 'scheme-files:read',
    produces: 'text/csv',
    problems: ofDay,
  })
  async content(
    @Param() path: SchemeFilePath,
    @CauseOf() cause: Cause,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { content, sha256 } = await this.asScheme(path, cause, (tx, scheme) => readContent(tx, scheme, path, now()));
    void reply.header('content-digest', `sha-256=:${sha256.toString('base64')}:`);
    return new StreamableFile(content, {
      type: 'text/csv; charset=utf-8',
      length: content.length,
      disposition: `attachment; filename="${path.programme}-${path.day}.csv"`,
    });
  }

  private asScheme<T>(path: SchemePath, cause: Cause, work: (tx: Tx, scheme: SchemeView) => Promise<T>): Promise<T> {
    return this.database.transaction(tenants(path.municipality), async (tx) => work(tx, await requireSchemeClient(tx, path, cause)));
  }
}
