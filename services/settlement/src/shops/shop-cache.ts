import { Inject, Injectable } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { LRUCache } from 'lru-cache';
import type { Shop } from '../rules/acceptance.js';

const cachedShopsMax = 20_000;
/** A change in another replica is told by notification; this bounds what a lost one can do. */
const cachedShopMsMax = 30_000;

/** A till names its shop in every payment; its row changes a few times a year. */
@Injectable()
export class ShopCache {
  private readonly known = new LRUCache<string, Shop>({ max: cachedShopsMax, ttl: cachedShopMsMax });
  /** So that a row read before a change is not kept after it. */
  private changes = 0;

  constructor(@Inject(Database) private readonly database: Database) {}

  find(tenant: string, id: string): Shop | undefined | Promise<Shop | undefined> {
    return this.known.get(keyOf(tenant, id)) ?? this.load(tenant, id);
  }

  forget(tenant: string, id: string): void {
    this.changes++;
    this.known.delete(keyOf(tenant, id));
  }

  forgetAll(): void {
    this.changes++;
    this.known.clear();
  }

  private async load(tenant: string, id: string): Promise<Shop | undefined> {
    const before = this.changes;
    const [row] = await this.database.transaction(tenants(tenant), (tx) =>
      tx.query<{ status: Shop['status']; group: string | null; programmes: string[]; tags: string[] }>(
        { name: 'cached_shop', text: 'select status, shop_group as "group", programmes, tags from shop where tenant = $1 and id = $2' },
        [tenant, id],
      ),
    );
    if (!row) return undefined;
    const { status, group, programmes, tags } = row;
    const shop: Shop = { id, status, programmes, tags, ...(group !== null && { group }) };
    if (before === this.changes) this.known.set(keyOf(tenant, id), shop);
    return shop;
  }
}

function keyOf(tenant: string, id: string): string {
  return `${tenant}/${id}`;
}
