import { Inject, Injectable } from '@nestjs/common';
import { Database } from '@points/database';
import { findHolderStatement } from '@points/holders';
import { LRUCache } from 'lru-cache';

/** About 20 MB when full. */
const cachedHoldersMax = 200_000;
/** A change in another replica is told by notification; this bounds what a lost one can do. */
const cachedHolderMsMax = 60_000;

/** Whose My Key ID it is, for the hot path. */
@Injectable()
export class HolderCache {
  private readonly known = new LRUCache<string, string>({ max: cachedHoldersMax, ttl: cachedHolderMsMax });
  private changes = 0;

  constructor(@Inject(Database) private readonly database: Database) {}

  find(myKeyId: string): string | undefined | Promise<string | undefined> {
    return this.known.get(myKeyId) ?? this.load(myKeyId);
  }

  forget(myKeyIds: readonly string[]): void {
    this.changes++;
    for (const one of myKeyIds) this.known.delete(one);
  }

  forgetAll(): void {
    this.changes++;
    this.known.clear();
  }

  private async load(myKeyId: string): Promise<string | undefined> {
    const before = this.changes;
    // No tenant data, so no transaction that names a tenant: one round trip.
    const { rows } = await this.database.pool.query<{ holder: string }>({ ...findHolderStatement, values: [myKeyId] });
    const holder = rows[0]?.holder;
    if (holder !== undefined && before === this.changes) this.known.set(myKeyId, holder);
    return holder;
  }
}
