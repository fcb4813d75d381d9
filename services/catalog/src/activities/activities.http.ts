import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { IsPoints, IsProgramme, MunicipalityPath, Operation, problem } from '@points/http';
import { points } from '@points/kernel';
import { Type } from 'class-transformer';
import { IsArray, IsOptional, ValidateNested } from 'class-validator';
import { checkOwnProgrammes } from '../listing/check-own-programmes.js';
import { IsId, IsName } from '../listing/fields.js';
import { pageOf, PageQuery } from '../listing/page.js';
import { listActivities, putActivity, readActivity } from './activities.js';

export class ActivityPath extends MunicipalityPath {
  @IsId()
  activity!: string;
}

export class PutActivity {
  @IsName()
  name!: string;

  @IsProgramme()
  programme!: string;

  @IsPoints()
  points!: number;
}

export class ActivityView extends PutActivity {
  @IsId()
  activity!: string;
}

export class ActivityPage {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ActivityView)
  items!: ActivityView[];

  @IsOptional()
  @IsId()
  next?: string;
}

@Controller('v1/municipalities/:municipality/activities')
export class ActivitiesController {
  constructor(private readonly database: Database) {}

  @Put(':activity')
  @Operation({
    summary: 'Register or change an activity that earns points',
    scope: 'activities:write',
    answer: ActivityView,
    problems: ['programme-of-other-municipality'],
  })
  put(@Param() { municipality, activity }: ActivityPath, @Body() body: PutActivity): Promise<ActivityView> {
    checkOwnProgrammes(municipality, [body.programme]);
    const view = { activity, name: body.name, programme: body.programme, points: points(body.points) };
    return this.database.transaction(tenants(municipality), async (tx) => {
      await putActivity(tx, municipality, view);
      return view;
    });
  }

  @Get(':activity')
  @Operation({ summary: 'Read an activity', scope: 'activities:read', answer: ActivityView, problems: ['unknown-activity'] })
  async read(@Param() { municipality, activity }: ActivityPath): Promise<ActivityView> {
    const found = await this.database.transaction(tenants(municipality), (tx) => readActivity(tx, municipality, activity));
    if (!found) throw problem(404, 'unknown-activity', 'this municipality has no such activity');
    return found;
  }

  @Get()
  @Operation({ summary: 'List the activities', scope: 'activities:read', answer: ActivityPage })
  async list(@Param() { municipality }: MunicipalityPath, @Query() page: PageQuery): Promise<ActivityPage> {
    const rows = await this.database.transaction(tenants(municipality), (tx) => listActivities(tx, municipality, page));
    return pageOf(rows, page, (row) => row.activity);
  }
}
