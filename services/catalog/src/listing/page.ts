import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { Type } from 'class-transformer';
import { IsId } from './fields.js';

export const pageRowsMax = 200;
const pageRowsDefault = 50;

/** Pages by key: ask again with `after` = the `next` of the page before, until there is none. */
export class PageQuery {
  @IsOptional()
  @IsId()
  after?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(pageRowsMax)
  limit?: number;
}

/** The two last parameters of a listing query: `id > $2 order by id limit $3`. Ids are in the order of bytes ("C"), as they are in the table. */
export function pageParameters(page: PageQuery): [string, number] {
  return [page.after ?? '', (page.limit ?? pageRowsDefault) + 1];
}

/** The query asks for one row more than the page holds: it tells that there is a next page. */
export function pageOf<T>(rows: readonly T[], page: PageQuery, idOf: (row: T) => string): { items: T[]; next?: string } {
  const rowsMax = page.limit ?? pageRowsDefault;
  const items = rows.slice(0, rowsMax);
  const last = items.at(-1);
  return rows.length > rowsMax && last !== undefined ? { items, next: idOf(last) } : { items };
}
