import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { MunicipalityPath, Operation, problem } from '@points/http';
import { Type } from 'class-transformer';
import { IsArray, IsOptional, ValidateNested } from 'class-validator';
import { IsId, IsName, IsTags } from '../listing/fields.js';
import { pageOf, PageQuery } from '../listing/page.js';
import { listFacilities, putFacility, readFacility } from './facilities.js';

export class FacilityPath extends MunicipalityPath {
  @IsId()
  facility!: string;
}

export class PutFacility {
  @IsName()
  name!: string;

  @IsOptional()
  @IsTags()
  tags?: string[];
}

export class FacilityView {
  @IsId()
  facility!: string;

  @IsName()
  name!: string;

  @IsTags()
  tags!: string[];
}

export class FacilityPage {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => FacilityView)
  items!: FacilityView[];

  @IsOptional()
  @IsId()
  next?: string;
}

@Controller('v1/municipalities/:municipality/facilities')
export class FacilitiesController {
  constructor(private readonly database: Database) {}

  @Put(':facility')
  @Operation({ summary: 'Register or change a facility', scope: 'facilities:write', answer: FacilityView })
  put(@Param() { municipality, facility }: FacilityPath, @Body() body: PutFacility): Promise<FacilityView> {
    const view = { facility, name: body.name, tags: body.tags ?? [] };
    return this.database.transaction(tenants(municipality), async (tx) => {
      await putFacility(tx, municipality, view);
      return view;
    });
  }

  @Get(':facility')
  @Operation({ summary: 'Read a facility', scope: 'facilities:read', answer: FacilityView, problems: ['unknown-facility'] })
  async read(@Param() { municipality, facility }: FacilityPath): Promise<FacilityView> {
    const found = await this.database.transaction(tenants(municipality), (tx) => readFacility(tx, municipality, facility));
    if (!found) throw problem(404, 'unknown-facility', 'this municipality has no such facility');
    return found;
  }

  @Get()
  @Operation({ summary: 'List the facilities', scope: 'facilities:read', answer: FacilityPage })
  async list(@Param() { municipality }: MunicipalityPath, @Query() page: PageQuery): Promise<FacilityPage> {
    const rows = await this.database.transaction(tenants(municipality), (tx) => listFacilities(tx, municipality, page));
    return pageOf(rows, page, (row) => row.facility);
  }
}
