import { Body, Controller, HttpException, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database, tenants } from '@points/database';
import { formatOf, FormatQuery, IsDay, IsListOf, IsNested, jsonOrCsv, Operation, OrNull, problem, ProgrammePath } from '@points/http';
import { endOfDayJst, startOfDayJst, type LocalDate } from '@points/kernel';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { timeText, type OwnLine, type Reconciliation } from './match.js';
import { listedKinds, listRowsMax, type ListedKind, type ListedLine } from './read-list.js';
import { differencesTable, ownLinesMax, reconcile } from './reconcile.js';

const toleranceSecondsUnlessTold = 60;

class ReconcileQuery extends FormatQuery {
  @IsDay()
  @JSONSchema({ description: 'first day, in Tokyo' })
  from!: string;

  @IsDay()
  @JSONSchema({ description: 'last day, in Tokyo' })
  to!: string;

  @IsOptional()
  @Matches(new RegExp(`^(${listedKinds.join('|')})(,(${listedKinds.join('|')}))*$`))
  @JSONSchema({ description: `kinds to compare, with commas between; all of ${listedKinds.join(', ')} unless told` })
  kinds?: string;

  @IsOptional()
  @IsString()
  @MaxLength(200)
  @JSONSchema({ description: 'only postings with this other account, such as merchant:<shop> or issued:<source>' })
  counter?: string;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(86_400)
  @JSONSchema({ description: `seconds by which times may differ; ${toleranceSecondsUnlessTold} unless told` })
  toleranceSeconds?: number;
}

class CountView {
  @IsInt()
  lines!: number;

  @IsInt()
  points!: number;
}

class ListedView {
  @IsInt()
  @JSONSchema({ description: 'line of the list' })
  line!: number;

  @IsString()
  @OrNull()
  reference!: string | null;

  @IsString()
  @OrNull()
  holder!: string | null;

  @IsInt()
  amount!: number;

  @IsString()
  kind!: string;

  @IsString()
  time!: string;
}

class OwnView {
  @IsString()
  posting!: string;

  @IsString()
  @OrNull()
  reference!: string | null;

  @IsString()
  holder!: string;

  @IsString()
  kind!: string;

  @IsInt()
  amount!: number;

  @IsString()
  effectiveAt!: string;
}

class MissingHereView extends ListedView {
  @IsString()
  reason!: string;
}

class MissingThereView extends OwnView {
  @IsString()
  reason!: string;
}

class DifferentView {
  @IsNested(() => ListedView)
  there!: ListedView;

  @IsNested(() => OwnView)
  here!: OwnView;

  @IsArray()
  @ArrayMaxSize(5)
  @IsString({ each: true })
  reasons!: readonly string[];
}

class ReconciliationView {
  @IsNested(() => CountView)
  there!: CountView;

  @IsNested(() => CountView)
  here!: CountView;

  @IsNested(() => CountView)
  matched!: CountView;

  @IsListOf(() => MissingHereView, listRowsMax)
  @JSONSchema({ description: 'in the list and not in the ledger' })
  missingHere!: readonly MissingHereView[];

  @IsListOf(() => MissingThereView, ownLinesMax)
  @JSONSchema({ description: 'in the ledger and not in the list' })
  missingThere!: readonly MissingThereView[];

  @IsListOf(() => DifferentView, listRowsMax)
  different!: readonly DifferentView[];
}

@Controller('v1/municipalities/:municipality/programmes/:programme/reconciliations')
export class ReconcileController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Post()
  @Operation({
    summary: 'Compare another system’s list with the ledger',
    description: `The body is text/csv with a header: reference and/or holder, amount, kind (${listedKinds.join(', ')}), time (with its offset, or a day). At most ${listRowsMax} lines and 4 MiB. Nothing is stored. CSV of what differs by Accept: text/csv or ?format=csv.`,
    scope: 'reports:read',
    idempotent: false,
    answer: ReconciliationView,
    problems: ['unknown-programme', 'malformed-list', 'period-too-large'],
  })
  compare(
    @Param() path: ProgrammePath,
    @Query() query: ReconcileQuery,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReconciliationView | string> {
    if (typeof body !== 'string') throw problem(415, 'unsupported-media-type', 'send the list as text/csv');
    const wire = { request, reply };
    const [programme, format] = [programmeOfPath(path), formatOf(wire, query.format)];
    if (query.to < query.from)
      throw problem(422, 'invalid-request', 'the query is wrong: to is before from', {
        errors: [{ field: 'to', reason: 'is before from' }],
      });
    const question = {
      // Days and kinds were checked by the query's class.
      from: startOfDayJst(query.from as LocalDate),
      to: endOfDayJst(query.to as LocalDate),
      kinds: query.kinds === undefined ? listedKinds : (query.kinds.split(',') as ListedKind[]),
      counter: query.counter ?? null,
      toleranceMs: (query.toleranceSeconds ?? toleranceSecondsUnlessTold) * 1_000,
    };
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      const found = await reconcile(tx, programme, body, question);
      return jsonOrCsv(wire, format, toView(found), () => differencesTable(found));
    });
  }
}

/** Bytes of a list of `listRowsMax` lines of 200 bytes. */
export const listBytesMax = 4_194_304;

/** Lists come as text/csv to this address; everywhere else that type is refused as before. */
export function acceptLists(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  server.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: listBytesMax }, (request, body, done) => {
    if (request.routeOptions.url?.endsWith('/reconciliations')) done(null, body);
    else done(new HttpException('unsupported media type', 415), undefined);
  });
}

function toView({ there, here, matched, missingHere, missingThere, different }: Reconciliation): ReconciliationView {
  return {
    there,
    here,
    matched,
    missingHere: missingHere.map(({ listed, reason }) => ({ ...listedView(listed), reason })),
    missingThere: missingThere.map(({ own, reason }) => ({ ...ownView(own), reason })),
    different: different.map(({ listed, own, reasons }) => ({ there: listedView(listed), here: ownView(own), reasons })),
  };
}

function listedView({ line, reference, holder, amount, kind, ...rest }: ListedLine): ListedView {
  return { line, reference, holder, amount, kind, time: timeText({ line, reference, holder, amount, kind, ...rest }) };
}

function ownView({ posting, reference, holder, kind, amount, effectiveAt }: OwnLine): OwnView {
  return { posting, reference, holder, kind, amount, effectiveAt };
}
