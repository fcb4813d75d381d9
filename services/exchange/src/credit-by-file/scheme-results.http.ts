import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import {
  answer,
  CauseOf,
  FormatQuery,
  formatOf,
  jsonOrCsv,
  once,
  Operation,
  pageLimit,
  PageQuery,
  type Answer,
  type Cause,
} from '@points/http';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { IsUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { now } from '../clock.js';
import { SchemePath } from '../ids.js';
import { listRowsMax } from '../reconcile-partners/read-orders-list.js';
import { readList } from '../reconcile-partners/take-lists.js';
import { requireSchemeClient } from './find-file.js';
import { contradictionsTable, listResults, readResult, resultsTable } from './find-results.js';
import { ResultFilesView, ResultFileView } from './result-shapes.js';
import { nothingTaken, takeResults } from './take-results.js';

class ResultFilePath extends SchemePath {
  @IsUUID()
  resultFile!: string;
}

const common = ['unknown-scheme', 'client-not-of-scheme'];

@Controller('v1/municipalities/:municipality/programmes/:programme/schemes/:scheme/result-files')
export class SchemeResultsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post()
  @Operation({
    summary: 'Answer the nightly files of a card scheme: what it accepted and what it refused',
    description:
      'The body is text/csv with a header: creditId, result (accepted, refused) and optionally reason, receipt and points, which are compared. Of any ' +
      `days, at most ${listRowsMax} lines and 4 MiB; a day may be answered in parts. Each line is judged for itself: a line that says what is known changes ` +
      'nothing, one that contradicts it does nothing and is named in contradictions.',
    scope: 'scheme-files:write',
    status: 201,
    answer: ResultFileView,
    problems: [...common, 'malformed-list', 'list-too-large', 'unsupported-media-type'],
  })
  async take(@Param() path: SchemePath, @CauseOf() whole: Cause, @Req() request: FastifyRequest): Promise<Answer<ResultFileView>> {
    const text = await readList(request, nothingTaken);
    // The body was not parsed, so the fingerprint of the request knows it by its digest.
    const fingerprint = createHash('sha256').update(`${whole.fingerprint}\n${text}`).digest('base64url');
    const cause: Cause = { ...whole, fingerprint };
    return this.asScheme(path, cause, (tx) =>
      once(tx, cause, async () => {
        const taken = await takeResults(tx, text, path, { client: cause.client, now: now() });
        const { contradictions, lines, accepted, refused, unchanged, resultFile } = taken;
        tx.afterCommit(() =>
          this.log[contradictions.length > 0 ? 'warn' : 'info'](
            { resultFile, scheme: path.scheme, lines, accepted, refused, unchanged, contradictions: contradictions.length },
            'results file of a card scheme taken',
          ),
        );
        return answer(201, taken);
      }),
    );
  }

  @Get()
  @Operation({
    summary: 'Results files of a card scheme, newest first',
    description: 'CSV by Accept: text/csv or ?format=csv; its next page is in the header Link.',
    scope: 'scheme-files:read',
    answer: ResultFilesView,
    problems: common,
  })
  list(
    @Param() path: SchemePath,
    @Query() query: PageQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ResultFilesView | string> {
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const page = { limit: pageLimit(query.limit, format), ...(query.after !== undefined && { after: query.after }) };
    return this.asScheme(path, cause, async (tx) => jsonOrCsv(wire, format, await listResults(tx, path, page), resultsTable));
  }

  @Get(':resultFile')
  @Operation({
    summary: 'A results file: what it did, and each line that contradicts what is known',
    description: 'Its contradictions as CSV by Accept: text/csv or ?format=csv.',
    scope: 'scheme-files:read',
    answer: ResultFileView,
    problems: [...common, 'unknown-result-file'],
  })
  read(
    @Param() path: ResultFilePath,
    @Query() query: FormatQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ResultFileView | string> {
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    return this.asScheme(path, cause, async (tx) =>
      jsonOrCsv(wire, format, await readResult(tx, path, path.resultFile), contradictionsTable),
    );
  }

  private asScheme<T>(path: SchemePath, cause: Cause, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await requireSchemeClient(tx, path, cause);
      return work(tx);
    });
  }
}
