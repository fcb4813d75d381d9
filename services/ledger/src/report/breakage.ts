import type { Tx } from '@points/database';
import type { CsvTable } from '@points/http';
import { points, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { beginning, movements, type MovementRow } from './movements.js';

export interface BreakageRow extends MovementRow {
  /** Expired and fallen to the municipality, in ten-thousandths of what was granted, rounded down; null where nothing was. */
  readonly breakageBasisPoints: number | null;
}

export interface Breakage {
  readonly rows: readonly BreakageRow[];
  readonly total: BreakageRow;
}

/** What became of the points granted in each month: how many of them lapsed unused (失効率). `closing` is what may still be used. */
export async function breakage(tx: Tx, programme: ProgrammeId, at: Instant, knownAt: Instant | null): Promise<Breakage> {
  const { rows, total } = await movements(tx, programme, { from: beginning, to: at, knownAt }, ['cohort']);
  return { rows: rows.map(withRate), total: withRate(total) };
}

export function breakageTable({ rows }: Breakage): CsvTable {
  const columns = [
    'cohort',
    'issued',
    'takenBack',
    'adjusted',
    'moved',
    'other',
    'used',
    'converted',
    'donated',
    'refunded',
    'expired',
    'reverted',
    'closing',
    'breakageBasisPoints',
  ] as const;
  return { header: columns, rows: rows.map((row) => columns.map((column) => row[column])) };
}

/** Points that came into a cohort by a transfer or a renewal count as granted there, and leave the cohort they came from. */
function withRate(row: MovementRow): BreakageRow {
  const granted: Points = points(row.issued - row.takenBack + row.adjusted + row.moved + row.other);
  const lapsed = BigInt(row.expired) + BigInt(row.reverted);
  return { ...row, breakageBasisPoints: granted > 0 ? Number((lapsed * 10_000n) / BigInt(granted)) : null };
}
