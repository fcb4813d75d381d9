import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { IsDay, IsInstant, IsNested, Operation, ProgrammePath } from '@points/http';
import { parseInstant } from '@points/kernel';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { CLOCK, type Clock } from '../clock.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { reportAt } from './report.js';

class ReportQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'what took effect before this instant; now unless told' })
  at?: string;
}

class PointsView {
  @IsInt()
  points!: number;
}

class TotalView extends PointsView {
  @IsInt()
  count!: number;

  @IsInt()
  persons!: number;
}

class ReportView {
  @IsString()
  municipality_code!: string;

  @IsString()
  program!: string;

  @IsArray()
  @ArrayMaxSize(2)
  @IsDay({ each: true })
  @JSONSchema({
    type: 'array',
    items: { type: ['string', 'null'] },
    description: 'first and last day; the last is null while no end is planned',
  } as never)
  period!: readonly [string, string | null];

  @IsOptional()
  @IsInt()
  @JSONSchema({ description: 'where lots end so many days after their grant' })
  validity_days?: number;

  @IsNested(() => TotalView)
  issued!: TotalView;

  @IsNested(() => TotalView)
  converted!: TotalView;

  @IsNested(() => TotalView)
  spent!: TotalView;

  @IsNested(() => TotalView)
  donated!: TotalView;

  @IsNested(() => TotalView)
  refunded!: TotalView;

  @IsNested(() => TotalView)
  @JSONSchema({ description: 'count is lots that ended with something left' })
  expired!: TotalView;

  @IsNested(() => PointsView)
  outstanding!: PointsView;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/report')
export class ReportController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Get()
  @Operation({
    summary: 'Totals of a programme up to an instant',
    scope: 'reports:read',
    answer: ReportView,
    problems: ['unknown-programme'],
  })
  read(@Param() path: ProgrammePath, @Query() query: ReportQuery): Promise<ReportView> {
    const programme = programmeOfPath(path);
    const at = query.at === undefined ? this.now() : parseInstant(query.at);
    return this.database.transaction(tenants(path.municipality), async (tx) => reportAt(tx, await stand(tx, programme), at));
  }
}
