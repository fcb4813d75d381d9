import { Controller, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { formatOf, IsDay, IsInstant, IsListOf, IsNested, jsonOrCsv, Operation, problem } from '@points/http';
import { IsArray, IsInt, IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SchemePath } from '../ids.js';
import { listRowsMax } from '../reconcile-partners/read-orders-list.js';
import { periodOf, ReconcileQuery } from '../reconcile-partners/reconcile-query.js';
import { readList } from '../reconcile-partners/take-lists.js';
import type { CreditMatch, ListedCredit } from '../rules/match-credits.js';
import { findScheme } from '../set-up-schemes/scheme.js';
import { creditDifferencesTable, ownCreditsMax, reconcileCredits } from './reconcile-credits.js';

class ComparedCreditsView {
  @IsInt()
  lines!: number;

  @IsInt()
  points!: number;
}

class CreditLineView {
  @IsString()
  creditId!: string;

  @IsInt()
  points!: number;
}

class ListedCreditView extends CreditLineView {
  /** In the file; the header is line 1. */
  @IsInt()
  line!: number;

  @IsOptional()
  @IsString()
  receipt?: string;

  @IsOptional()
  @IsDay()
  date?: string;
}

class OwnCreditView extends CreditLineView {
  @IsString()
  receipt!: string;

  @IsInstant()
  creditedAt!: string;
}

class CreditMissingHereView extends ListedCreditView {
  @IsString()
  reason!: string;
}

class DifferentCreditView {
  @IsNested(() => ListedCreditView)
  there!: ListedCreditView;

  @IsNested(() => OwnCreditView)
  here!: OwnCreditView;

  /** Each as `field: there …, here …`. */
  @IsArray()
  @IsString({ each: true })
  reasons!: readonly string[];
}

export class CreditReconciliationView {
  @IsNested(() => ComparedCreditsView)
  there!: ComparedCreditsView;

  @IsNested(() => ComparedCreditsView)
  here!: ComparedCreditsView;

  @IsNested(() => ComparedCreditsView)
  matched!: ComparedCreditsView;

  @IsListOf(() => CreditMissingHereView, listRowsMax)
  missingHere!: readonly CreditMissingHereView[];

  @IsListOf(() => OwnCreditView, ownCreditsMax)
  missingThere!: readonly OwnCreditView[];

  @IsListOf(() => DifferentCreditView, listRowsMax)
  different!: readonly DifferentCreditView[];
}

@Controller('v1/municipalities/:municipality/programmes/:programme/schemes/:scheme/reconciliations')
export class SchemeReconciliationsController {
  constructor(private readonly database: Database) {}

  @Post()
  @Operation({
    summary: 'Compare a card scheme’s own file with what it has acknowledged',
    description:
      'The body is text/csv with a header: creditId (<programme>:<conversionId>), points and optionally receipt and date (a day, or a time with its ' +
      `offset). At most ${listRowsMax} lines and 4 MiB. A credit for which the points were given back is in missingHere and says so. Nothing is ` +
      'stored or set right. CSV of what differs by Accept: text/csv or ?format=csv.',
    scope: 'conversions:read',
    idempotent: false,
    status: 200,
    answer: CreditReconciliationView,
    problems: ['unknown-scheme', 'malformed-list', 'list-too-large', 'period-too-large', 'unsupported-media-type'],
  })
  async compare(
    @Param() path: SchemePath,
    @Query() query: ReconcileQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreditReconciliationView | string> {
    const period = periodOf(query);
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const { programme, scheme } = path;
    const text = await readList(request);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      if (!(await findScheme(tx, path))) throw problem(404, 'unknown-scheme', 'the programme has no such card scheme');
      const found = await reconcileCredits(tx, text, { programme, scheme, ...period });
      return jsonOrCsv(wire, format, toView(found), () => creditDifferencesTable(found));
    });
  }
}

function toView({ there, here, matched, missingHere, missingThere, different }: CreditMatch): CreditReconciliationView {
  return {
    ...{ there, here, matched, missingThere },
    missingHere: missingHere.map(({ listed, reason }) => ({ ...listedView(listed), reason })),
    different: different.map(({ listed, own, reasons }) => ({ there: listedView(listed), here: own, reasons })),
  };
}

function listedView({ receipt, date, ...rest }: ListedCredit): ListedCreditView {
  return { ...rest, ...(receipt !== null && { receipt }), ...(date !== null && { date }) };
}
