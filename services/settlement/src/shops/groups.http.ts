import { Body, Controller, Get, Inject, Param, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { MunicipalityPath, Operation, problem } from '@points/http';
import { GroupPage, GroupPath, GroupView, PageQuery, pageRowsMax, PutGroup } from './shop-shapes.js';

@Controller('v1/municipalities/:municipality/groups')
export class GroupsController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Put(':group')
  @Operation({ summary: 'Make or rename a group of shops (商店街)', scope: 'shops:write', answer: GroupView })
  put(@Param() { municipality, group }: GroupPath, @Body() { name }: PutGroup): Promise<GroupView> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      await tx.write(
        `insert into shop_group (tenant, id, name) values ($1, $2, $3)
         on conflict on constraint shop_group_pk do update set name = excluded.name, updated_at = now()`,
        [municipality, group, name],
      );
      return { group, name };
    });
  }

  @Get()
  @Operation({ summary: 'List groups by id', scope: 'shops:read', answer: GroupPage })
  list(@Param() { municipality }: MunicipalityPath, @Query() { after = '', limit = pageRowsMax }: PageQuery): Promise<GroupPage> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      const rows = await tx.query<{ group: string; name: string }>(
        `select id as "group", name from shop_group where tenant = $1 and id > $2 order by id limit $3`,
        [municipality, after, limit + 1],
      );
      const groups = rows.slice(0, limit);
      const next = rows.length > limit ? groups.at(-1)?.group : undefined;
      return { groups, ...(next !== undefined && { next }) };
    });
  }

  @Get(':group')
  @Operation({ summary: 'Read a group', scope: 'shops:read', answer: GroupView, problems: ['unknown-group'] })
  read(@Param() { municipality, group }: GroupPath): Promise<GroupView> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      const [found] = await tx.query<{ group: string; name: string }>(
        `select id as "group", name from shop_group where tenant = $1 and id = $2`,
        [municipality, group],
      );
      if (!found) throw problem(404, 'unknown-group', 'this municipality has no such group');
      return found;
    });
  }
}
