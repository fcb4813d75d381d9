import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { IsProgramme, MunicipalityPath, Operation, problem } from '@points/http';
import { Type } from 'class-transformer';
import { IsArray, IsOptional, ValidateNested } from 'class-validator';
import { checkOwnProgrammes } from '../listing/check-own-programmes.js';
import { IsId, IsName } from '../listing/fields.js';
import { pageOf, PageQuery } from '../listing/page.js';
import { listFunds, putFund, readFund } from './funds.js';

export class FundPath extends MunicipalityPath {
  @IsId()
  fund!: string;
}

export class PutFund {
  @IsName()
  name!: string;

  @IsProgramme()
  programme!: string;
}

export class FundView extends PutFund {
  @IsId()
  fund!: string;
}

export class FundPage {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => FundView)
  items!: FundView[];

  @IsOptional()
  @IsId()
  next?: string;
}

@Controller('v1/municipalities/:municipality/funds')
export class FundsController {
  constructor(private readonly database: Database) {}

  @Put(':fund')
  @Operation({
    summary: 'Register or change a fund for donations',
    scope: 'funds:write',
    answer: FundView,
    problems: ['programme-of-other-municipality'],
  })
  put(@Param() { municipality, fund }: FundPath, @Body() body: PutFund): Promise<FundView> {
    checkOwnProgrammes(municipality, [body.programme]);
    const view = { fund, name: body.name, programme: body.programme };
    return this.database.transaction(tenants(municipality), async (tx) => {
      await putFund(tx, municipality, view);
      return view;
    });
  }

  @Get(':fund')
  @Operation({ summary: 'Read a fund', scope: 'funds:read', answer: FundView, problems: ['unknown-fund'] })
  async read(@Param() { municipality, fund }: FundPath): Promise<FundView> {
    const found = await this.database.transaction(tenants(municipality), (tx) => readFund(tx, municipality, fund));
    if (!found) throw problem(404, 'unknown-fund', 'this municipality has no such fund');
    return found;
  }

  @Get()
  @Operation({ summary: 'List the funds', scope: 'funds:read', answer: FundPage })
  async list(@Param() { municipality }: MunicipalityPath, @Query() page: PageQuery): Promise<FundPage> {
    const rows = await this.database.transaction(tenants(municipality), (tx) => listFunds(tx, municipality, page));
    return pageOf(rows, page, (row) => row.fund);
  }
}
