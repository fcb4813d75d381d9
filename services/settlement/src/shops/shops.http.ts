import { Body, Controller, Get, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { answer, CauseOf, MunicipalityPath, once, Operation, problem, type Answer, type Cause } from '@points/http';
import { putShops } from './put-shops.js';
import { ShopCache } from './shop-cache.js';
import { pageRowsMax, PutShop, PutShops, PutShopsView, ShopPage, ShopPath, ShopsQuery, ShopView } from './shop-shapes.js';

@Controller('v1/municipalities/:municipality/shops')
export class ShopsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(ShopCache) private readonly cache: ShopCache,
  ) {}

  @Put(':shop')
  @Operation({
    summary: 'Make or replace a shop',
    scope: 'shops:write',
    answer: ShopView,
    problems: ['unknown-group', 'foreign-programme'],
  })
  put(@Param() { municipality, shop }: ShopPath, @Body() body: PutShop): Promise<ShopView> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      await putShops(tx, municipality, [{ shop, ...body }]);
      tx.afterCommit(() => this.cache.forget(municipality, shop));
      return { shop, ...body, tags: body.tags ?? [] };
    });
  }

  @Post('bulk')
  @Operation({
    summary: 'Make or replace up to 500 shops, all or none',
    scope: 'shops:write',
    answer: PutShopsView,
    problems: ['unknown-group', 'foreign-programme', 'shop-twice'],
  })
  putAll(@Param() { municipality }: MunicipalityPath, @Body() body: PutShops, @CauseOf() cause: Cause): Promise<Answer<PutShopsView>> {
    return this.database.transaction(tenants(municipality), (tx) =>
      once(tx, cause, async () => {
        await putShops(tx, municipality, body.shops);
        tx.afterCommit(() => body.shops.forEach((one) => this.cache.forget(municipality, one.shop)));
        return answer(200, { shops: body.shops.length });
      }),
    );
  }

  @Get()
  @Operation({ summary: 'List shops by id', scope: 'shops:read', answer: ShopPage })
  list(@Param() { municipality }: MunicipalityPath, @Query() query: ShopsQuery): Promise<ShopPage> {
    return this.database.transaction(tenants(municipality), (tx) => listShops(tx, municipality, query));
  }

  @Get(':shop')
  @Operation({ summary: 'Read a shop', scope: 'shops:read', answer: ShopView, problems: ['unknown-shop'] })
  read(@Param() { municipality, shop }: ShopPath): Promise<ShopView> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      const [row] = await tx.query<ShopRow>(`${selectShop} where tenant = $1 and id = $2`, [municipality, shop]);
      if (!row) throw problem(404, 'unknown-shop', 'this municipality has no such shop');
      return readShop(row);
    });
  }
}

async function listShops(tx: Tx, municipality: string, { after = '', limit = pageRowsMax, group }: ShopsQuery): Promise<ShopPage> {
  // One row more than asked for tells whether there is a next page.
  const rows = await tx.query<ShopRow>(
    `${selectShop} where tenant = $1 and id > $2 and ($4::text is null or shop_group = $4) order by id limit $3`,
    [municipality, after, limit + 1, group ?? null],
  );
  const shops = rows.slice(0, limit).map(readShop);
  const next = rows.length > limit ? shops.at(-1)?.shop : undefined;
  return { shops, ...(next !== undefined && { next }) };
}

interface ShopRow {
  shop: string;
  name: string;
  group: string | null;
  programmes: string[];
  status: 'active' | 'suspended';
  tags: string[];
}

const selectShop = `select id as shop, name, shop_group as "group", programmes, status, tags from shop`;

function readShop({ group, ...row }: ShopRow): ShopView {
  return { ...row, ...(group !== null && { group }) };
}
