import { Controller, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { type Cause, CauseOf, formatOf, IsDay, IsInstant, IsListOf, IsNested, jsonOrCsv, Operation, problem } from '@points/http';
import { IsArray, IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PartnerPath } from '../ids.js';
import { maySeeOrdersOf } from '../place-exchange-order/find-order.js';
import { listedKinds, type ListedKind, type OrderMatch } from '../rules/match-orders.js';
import { periodOf, ReconcileQuery } from './reconcile-query.js';
import { listRowsMax } from './read-orders-list.js';
import { differencesTable, ownLinesMax, reconcileOrders } from './reconcile-orders.js';
import { readList } from './take-lists.js';

class ComparedView {
  @IsInt()
  lines!: number;

  @IsInt()
  partnerPoints!: number;

  /** Of the partner’s file: of the lines that name them. */
  @IsInt()
  municipalPoints!: number;
}

class OrderLineView {
  @IsString()
  orderId!: string;

  @IsIn([...listedKinds])
  kind!: ListedKind;

  @IsInt()
  partnerPoints!: number;
}

class ListedView extends OrderLineView {
  /** In the file; the header is line 1. */
  @IsInt()
  line!: number;

  @IsOptional()
  @IsInt()
  municipalPoints?: number;

  @IsOptional()
  @IsDay()
  date?: string;
}

class OwnView extends OrderLineView {
  @IsInt()
  municipalPoints!: number;

  @IsInstant()
  bookedAt!: string;
}

class MissingHereView extends ListedView {
  @IsString()
  reason!: string;
}

class DifferentView {
  @IsNested(() => ListedView)
  there!: ListedView;

  @IsNested(() => OwnView)
  here!: OwnView;

  /** Each as `field: there …, here …`. */
  @IsArray()
  @IsString({ each: true })
  reasons!: readonly string[];
}

export class OrderReconciliationView {
  @IsNested(() => ComparedView)
  there!: ComparedView;

  @IsNested(() => ComparedView)
  here!: ComparedView;

  @IsNested(() => ComparedView)
  matched!: ComparedView;

  @IsListOf(() => MissingHereView, listRowsMax)
  missingHere!: readonly MissingHereView[];

  @IsListOf(() => OwnView, ownLinesMax)
  missingThere!: readonly OwnView[];

  @IsListOf(() => DifferentView, listRowsMax)
  different!: readonly DifferentView[];
}

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/reconciliations')
export class ReconciliationsController {
  constructor(private readonly database: Database) {}

  @Post()
  @Operation({
    summary: 'Compare a partner’s own file with what is booked here',
    description:
      'The body is text/csv with a header: orderId, partnerPoints and optionally municipalPoints, date (a day, or a time with its offset) and kind ' +
      `(${listedKinds.join(', ')}; order unless told), points above zero for both. At most ${listRowsMax} lines and 4 MiB. Nothing is stored or set right. ` +
      'CSV of what differs by Accept: text/csv or ?format=csv.',
    scope: 'statements:read',
    idempotent: false,
    status: 200,
    answer: OrderReconciliationView,
    problems: ['unknown-partner', 'malformed-list', 'list-too-large', 'period-too-large', 'unsupported-media-type'],
  })
  async compare(
    @Param() path: PartnerPath,
    @Query() query: ReconcileQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderReconciliationView | string> {
    const { from, to, toleranceDays } = periodOf(query);
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const { programme, partner } = path;
    const text = await readList(request);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      const [known] = await tx.query('select 1 from partner where programme = $1 and partner = $2', [programme, partner]);
      if (!known || !(await maySeeOrdersOf(tx, programme, partner, cause.client)))
        throw problem(404, 'unknown-partner', 'the programme has no such partner');
      const found = await reconcileOrders(tx, text, { programme, partner, from, to, toleranceDays });
      return jsonOrCsv(wire, format, toView(found), () => differencesTable(found));
    });
  }
}

function toView({ there, here, matched, missingHere, missingThere, different }: OrderMatch): OrderReconciliationView {
  return {
    ...{ there, here, matched, missingThere },
    missingHere: missingHere.map(({ listed, reason }) => ({ ...listedView(listed), reason })),
    different: different.map(({ listed, own, reasons }) => ({ there: listedView(listed), here: own, reasons })),
  };
}

function listedView({ municipalPoints, date, ...rest }: OrderMatch['missingHere'][number]['listed']): ListedView {
  return { ...rest, ...(municipalPoints !== null && { municipalPoints }), ...(date !== null && { date }) };
}
