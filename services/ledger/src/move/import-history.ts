import type { ProgrammeId } from '@points/kernel';
import type { Door } from '../post/door.js';
import { readHistoryLine, type FieldError } from './history-line.js';

/** What became of one line; `line` counts from 1. */
export type LineResult =
  | { readonly line: number; readonly reference: string; readonly status: 'posted' | 'repeated'; readonly posting: string }
  | { readonly line: number; readonly reference: string; readonly status: 'refused'; readonly code: string; readonly detail: string }
  /** Not a line that could be tried. */
  | { readonly line: number; readonly reference: string | null; readonly status: 'invalid'; readonly errors: readonly FieldError[] }
  /** Trouble of the ledger's own: the same line may be sent again. */
  | { readonly line: number; readonly reference: string; readonly status: 'failed'; readonly detail: string };

/**
 * Sends lines of history through the door, those of one holder in their order. Each line stands for itself: what is wrong with one
 * keeps no other back, and sending all of them again posts nothing twice.
 */
export async function importHistory(
  door: Door,
  lines: readonly Readonly<Record<string, unknown>>[],
  cause: { readonly programme: ProgrammeId; readonly actor: string },
): Promise<LineResult[]> {
  const read = lines.map((line) => readHistoryLine(line, cause));
  const requests = read.flatMap((one) => ('request' in one ? [one.request] : []));
  const settled = await door.settle(requests);
  let next = 0;
  return read.map((one, index): LineResult => {
    const line = index + 1;
    if ('errors' in one) {
      const reference = lines[index]?.['reference'];
      return { line, reference: typeof reference === 'string' ? reference : null, status: 'invalid', errors: one.errors };
    }
    const { reference } = one.request;
    const result = settled[next++];
    if (!result || result instanceof Error)
      return { line, reference, status: 'failed', detail: 'the ledger could not decide this line; send it again' };
    const { outcome, repeated } = result;
    if (outcome.status === 'refused') return { line, reference, status: 'refused', code: outcome.code, detail: outcome.detail };
    return { line, reference, status: repeated ? 'repeated' : 'posted', posting: outcome.posting };
  });
}

/** About 300 KB of body, which is below the limit of a request, and a few flushes of the door. */
export const historyLinesMax = 1_000;
