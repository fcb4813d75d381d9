/** A row that is not what the transfers and the chain say it must be. */
export interface Finding {
  readonly table: string;
  /** The row's key without the programme. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

/** The first in the order of reading is named in full, some more are kept, all are counted. */
export class Findings {
  readonly first: Finding[] = [];
  readonly byTable = new Map<string, number>();
  count = 0;

  add(table: string, key: string | readonly (string | number | null)[], expected: unknown, found: unknown): void {
    this.count++;
    this.byTable.set(table, (this.byTable.get(table) ?? 0) + 1);
    if (this.first.length < keptMax)
      this.first.push({ table, key: typeof key === 'string' ? key : key.join(' / '), expected: textOf(expected), found: textOf(found) });
  }

  /** Adds a finding unless the two are equal. */
  same(
    table: string,
    key: string | readonly (string | number | null)[],
    field: string,
    { expected, found }: { expected: unknown; found: unknown },
  ): boolean {
    if (expected === found) return true;
    this.add(table, key, `${field} ${textOf(expected)}`, `${field} ${textOf(found)}`);
    return false;
  }
}

const keptMax = 20;

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing');
}
