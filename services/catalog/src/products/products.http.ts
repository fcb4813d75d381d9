import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { IsCount, IsListOf, IsProgramme, MunicipalityPath, Operation, OrNull, problem } from '@points/http';
import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import { checkOwnProgrammes } from '../listing/check-own-programmes.js';
import { IsId, IsName, IsTags } from '../listing/fields.js';
import { pageOf, PageQuery } from '../listing/page.js';
import type { ProductKind } from '../rules/places.js';
import { putProduct } from './put-product.js';
import { listProducts, readProduct } from './read-products.js';

/** With at most 1,000 pieces in an order its sum stays a safe integer. */
const pricePointsMax = 1_000_000_000;
const stockPiecesMax = 1_000_000_000;
/** A municipality has a handful of programmes. */
const pricesMax = 20;

export class ProductPath extends MunicipalityPath {
  @IsId()
  product!: string;
}

export class Price {
  @IsProgramme()
  programme!: string;

  @IsInt()
  @Min(1)
  @Max(pricePointsMax)
  points!: number;
}

export class PutProduct {
  @IsName()
  name!: string;

  @IsIn(['mail-order', 'facility-ticket', 'goods'])
  kind!: ProductKind;

  /** The facility that a ticket is for. */
  @IsOptional()
  @IsId()
  facility?: string;

  @IsListOf(() => Price, pricesMax)
  prices!: Price[];

  @IsInt()
  @Min(0)
  @Max(stockPiecesMax)
  @OrNull('all pieces ever offered, those already ordered included; null = without limit')
  stock!: number | null;

  @IsIn(['on-sale', 'withdrawn'])
  status!: 'on-sale' | 'withdrawn';

  @IsOptional()
  @IsTags()
  tags?: string[];
}

export class ProductView extends PutProduct {
  @IsId()
  product!: string;

  @IsCount()
  @OrNull('pieces that can still be ordered; null = without limit')
  remaining!: number | null;
}

export class ProductPage {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ProductView)
  items!: ProductView[];

  @IsOptional()
  @IsId()
  next?: string;
}

@Controller('v1/municipalities/:municipality/products')
export class ProductsController {
  constructor(private readonly database: Database) {}

  @Put(':product')
  @Operation({
    summary: 'Offer or change a product',
    description: 'The same body again changes nothing: `stock` counts all pieces ever offered, and what was ordered stays taken.',
    scope: 'products:write',
    answer: ProductView,
    problems: ['programme-of-other-municipality', 'price-given-twice', 'facility-not-for-kind', 'unknown-facility', 'stock-below-ordered'],
  })
  put(@Param() { municipality, product }: ProductPath, @Body() body: PutProduct): Promise<ProductView> {
    checkOwnProgrammes(
      municipality,
      body.prices.map((price) => price.programme),
    );
    return this.database.transaction(tenants(municipality), async (tx) => {
      await putProduct(tx, municipality, product, body);
      return found(await readProduct(tx, municipality, product));
    });
  }

  @Get(':product')
  @Operation({ summary: 'Read a product', scope: 'products:read', answer: ProductView, problems: ['unknown-product'] })
  async read(@Param() { municipality, product }: ProductPath): Promise<ProductView> {
    return found(await this.database.transaction(tenants(municipality), (tx) => readProduct(tx, municipality, product)));
  }

  @Get()
  @Operation({ summary: 'List the products', scope: 'products:read', answer: ProductPage })
  async list(@Param() { municipality }: MunicipalityPath, @Query() page: PageQuery): Promise<ProductPage> {
    const rows = await this.database.transaction(tenants(municipality), (tx) => listProducts(tx, municipality, page));
    return pageOf(rows, page, (row) => row.product);
  }
}

function found(product: ProductView | undefined): ProductView {
  if (!product) throw problem(404, 'unknown-product', 'this municipality has no such product');
  return product;
}
