import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, problem, type Answer, type Cause } from '@points/http';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { FastifyRequest } from 'fastify';
import { PartnerPath, UploadPath } from '../ids.js';
import { cancelUpload } from './cancel-upload.js';
import { listUploads, uploadFor } from './find-upload.js';
import { uploadFormats, type UploadFormat } from './read-orders.js';
import { ReceiveUpload } from './receive-upload.js';
import { UploadsView, uploadModes, uploadsPageMax, uploadView, UploadView, type UploadMode, type UploadRow } from './upload.js';
import { uploadFiles, uploadHeaders } from './describe-upload.js';
import { errorsFile, resultsFile, written, type LinesFile } from './upload-files.js';
import { WorkUploads } from './work-uploads.job.js';
import { maySeeOrdersOf } from '../place-exchange-order/find-order.js';

class UploadQuery {
  @IsOptional()
  @IsIn(['true', 'false'])
  @JSONSchema({ description: 'true: check all that can be known without the ledger, and book nothing' })
  dryRun?: 'true' | 'false';

  @IsOptional()
  @IsIn([...uploadModes])
  @JSONSchema({
    description:
      'lines (unless told): each good line is booked. whole-file: nothing is, unless every line is good when the file is checked',
  })
  mode?: UploadMode;
}

class UploadsQuery {
  @IsOptional()
  @IsString()
  @MaxLength(500)
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(uploadsPageMax)
  limit?: number;
}

class FileQuery {
  @IsOptional()
  @IsIn([...uploadFormats])
  @JSONSchema({ description: 'csv unless told' })
  format?: UploadFormat;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/order-uploads')
export class UploadsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    private readonly receiver: ReceiveUpload,
    private readonly worker: WorkUploads,
  ) {}

  @Post()
  @Operation({
    summary: 'Upload a file of exchange orders',
    description:
      'The body is the file: text/csv with the columns orderId, myKeyId, partnerPoints and optionally municipalPoints and acceptedAt, or application/jsonl with ' +
      'these fields. Content-Digest with sha-256 (RFC 9530) is required; so is an HTTP Message Signature (RFC 9421) once the partner has registered a key. ' +
      '202: taken; Location tells its progress.',
    scope: 'exchange:write',
    status: 202,
    answer: UploadView,
    consumes: uploadFiles,
    headers: uploadHeaders,
    problems: [
      'unknown-partner',
      'client-not-of-partner',
      'partner-takes-no-uploads',
      'content-digest-missing',
      'content-digest-malformed',
      'digest-mismatch',
      'signature-missing',
      'signature-invalid',
      'signature-key-unknown',
      'signature-replayed',
      'file-too-large',
      'too-many-uploads',
      'upload-incomplete',
    ],
  })
  async take(
    @Param() path: PartnerPath,
    @Query() query: UploadQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
  ): Promise<Answer<UploadView>> {
    const options = { mode: query.mode ?? 'lines', isDryRun: query.dryRun === 'true' };
    const taken = await this.receiver.receive(path, options, cause, request);
    this.worker.nudge();
    return taken;
  }

  @Get()
  @Operation({ summary: 'Uploads of a partner, newest first', scope: 'exchange:read', answer: UploadsView, problems: ['unknown-partner'] })
  list(@Param() path: PartnerPath, @Query() query: UploadsQuery, @CauseOf() cause: Cause): Promise<UploadsView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      if (!(await maySeeOrdersOf(tx, path.programme, path.partner, cause.client)))
        throw problem(404, 'unknown-partner', 'the programme has no such partner');
      return listUploads(tx, path, { ...query, limit: query.limit ?? uploadsPageMax });
    });
  }

  @Get(':upload')
  @Operation({
    summary: 'An upload, how far it has come and how long it may take',
    scope: 'exchange:read',
    answer: UploadView,
    problems: ['unknown-upload'],
  })
  async read(@Param() path: UploadPath, @CauseOf() cause: Cause): Promise<UploadView> {
    return uploadView(await this.find(path, cause), new Date());
  }

  @Get(':upload/errors')
  @Operation({
    summary: 'Errors of an upload: line, order id, code, field, reason',
    description: 'text/csv, or application/jsonl with ?format=jsonl. Complete once the upload has ended.',
    scope: 'exchange:read',
    produces: 'text/csv',
    problems: ['unknown-upload', 'upload-forgotten'],
  })
  errors(@Param() path: UploadPath, @Query() query: FileQuery, @CauseOf() cause: Cause): Promise<StreamableFile> {
    return this.file(path, query, cause, 'errors', errorsFile);
  }

  @Get(':upload/results')
  @Operation({
    summary: 'What became of each line of an upload',
    description: 'text/csv, or application/jsonl with ?format=jsonl: one line for each line with an order, as it stands now.',
    scope: 'exchange:read',
    produces: 'text/csv',
    problems: ['unknown-upload', 'upload-forgotten'],
  })
  results(@Param() path: UploadPath, @Query() query: FileQuery, @CauseOf() cause: Cause): Promise<StreamableFile> {
    return this.file(path, query, cause, 'results', resultsFile);
  }

  @Post(':upload/cancellations')
  @Operation({
    summary: 'Book no more of an upload',
    description: 'What is booked stays booked. 202: asked for; the upload is cancelled once the orders that are under way have ended.',
    scope: 'exchange:write',
    status: 202,
    answer: UploadView,
    problems: ['unknown-upload', 'nothing-to-cancel'],
  })
  async cancel(@Param() path: UploadPath, @CauseOf() cause: Cause): Promise<Answer<UploadView>> {
    const answered = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(202, uploadView(await cancelUpload(tx, path, cause.client), new Date()))),
    );
    this.worker.nudge();
    return answered;
  }

  private find(path: UploadPath, cause: Cause): Promise<UploadRow> {
    return this.database.transaction(tenants(path.municipality), (tx) => uploadFor(tx, path, cause.client));
  }

  private async file(
    path: UploadPath,
    { format = 'csv' }: FileQuery,
    cause: Cause,
    name: string,
    fileOf: (database: Database, upload: UploadRow) => LinesFile,
  ): Promise<StreamableFile> {
    const upload = await this.find(path, cause);
    if (upload.is_pruned)
      throw problem(410, 'upload-forgotten', 'the file and its lines were kept for 90 days; its orders are listed still');
    return new StreamableFile(Readable.from(written(fileOf(this.database, upload), format)), {
      type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl',
      disposition: `attachment; filename="${upload.id}-${name}.${format}"`,
    });
  }
}
