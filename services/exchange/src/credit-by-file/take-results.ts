import { createHash } from 'node:crypto';
import type { Tx } from '@points/database';
import { uuidv7, type Instant, type LocalDate } from '@points/kernel';
import { heldColumns, heldOf, settleCredits, type CreditEnd, type HeldPoints, type HeldRow } from '../convert-points/settle-credits.js';
import { malformedList } from '../reconcile-partners/take-lists.js';
import type { ConversionState } from '../rules/conversion-state.js';
import { judgeResults, type KnownCredit, type ListedResult } from '../rules/scheme-result.js';
import type { SchemeKey } from '../set-up-schemes/scheme.js';
import { readResults } from './read-results.js';
import type { ResultFileView } from './result-shapes.js';

export const nothingTaken = 'nothing of the file was taken';

/**
 * Takes the scheme's answers to its files: what it accepted is spent, what it refused goes back to the lots it came from. A file that
 * cannot be read is refused whole. A line that contradicts what is known does nothing and is named; the other lines do not wait for it.
 * @throws Problem 422 `malformed-list`
 */
export async function takeResults(
  tx: Tx,
  text: string,
  key: SchemeKey,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<ResultFileView> {
  const read = readResults(text);
  if ('errors' in read) throw malformedList(read.errors, nothingTaken);
  const credits = await lockCredits(tx, key, read.lines);
  const judged = judgeResults(read.lines, credits);
  const settled = judged.flatMap(({ listed, verdict }) => {
    const credit = credits.get(listed.creditId);
    return credit && (verdict.kind === 'accept' || verdict.kind === 'refuse') ? [{ held: credit.held, end: endOf(listed, credit) }] : [];
  });
  await settleCredits(tx, settled);
  const count = (kind: string) => judged.filter(({ verdict }) => verdict.kind === kind).length;
  const view: ResultFileView = {
    resultFile: uuidv7(),
    client,
    receivedAt: now,
    sha256: createHash('sha256').update(text).digest('hex'),
    lines: judged.length,
    accepted: count('accept'),
    refused: count('refuse'),
    unchanged: count('unchanged'),
    contradictions: judged.flatMap(({ listed: { line, creditId, result }, verdict }) =>
      verdict.kind === 'contradiction' ? [{ line, creditId, result, code: verdict.code, reason: verdict.reason }] : [],
    ),
  };
  await tx.write(insertResult, [
    ...[view.resultFile, key.municipality, key.programme, key.scheme, client, now, Buffer.from(view.sha256, 'hex')],
    ...[view.lines, view.accepted, view.refused, view.unchanged, JSON.stringify(view.contradictions)],
  ]);
  return view;
}

interface LockedCredit extends KnownCredit {
  readonly held: HeldPoints;
}

/** By the id under which the scheme was asked. */
async function lockCredits(tx: Tx, { programme, scheme }: SchemeKey, lines: readonly ListedResult[]): Promise<Map<string, LockedCredit>> {
  const stem = `${programme}:`;
  const ids = lines.filter((one) => one.creditId.startsWith(stem)).map((one) => one.creditId.slice(stem.length));
  const rows = await tx.query<LockedRow>(lockConversions, [programme, scheme, [...new Set(ids)]]);
  return new Map(rows.map((row) => [stem + row.conversion_id, creditOf(row)]));
}

function creditOf(row: LockedRow): LockedCredit {
  const { state, receipt, refusal_code: refusalCode, file_day: fileDay } = row;
  const held = heldOf(row);
  return { state, points: held.points, receipt, refusalCode, fileDay, held: { ...held, state } };
}

/** A scheme that names no receipt has acknowledged on the paper of the day. */
function endOf({ result, receipt, reason }: ListedResult, { fileDay, held: { scheme } }: LockedCredit): CreditEnd {
  if (result === 'accepted') return { receipt: receipt ?? `file:${fileDay}` };
  const detail = reason ?? 'the scheme gave no reason';
  return { refusal: { code: 'scheme-refused', detail, facts: { scheme, schemeCode: 'not-said' } } };
}

interface LockedRow extends HeldRow {
  readonly conversion_id: string;
  readonly state: ConversionState;
  readonly receipt: string | null;
  readonly refusal_code: string | null;
  readonly file_day: LocalDate | null;
}

const lockConversions = {
  name: 'lock_answered_conversions',
  text: `
    select ${heldColumns}, c.conversion_id, c.state, c.receipt, c.refusal ->> 'code' as refusal_code, c.file_day::text as file_day
    from conversion c where c.programme = $1 and c.scheme = $2 and c.conversion_id = any ($3) order by c.id for update`,
};

const insertResult = `
  insert into scheme_result (id, tenant, programme, scheme, client, received_at, sha256, lines, accepted, refused, unchanged, contradictions)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;
