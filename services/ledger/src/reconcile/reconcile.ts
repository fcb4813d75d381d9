import type { Tx } from '@points/database';
import { type CsvTable, problem, utc } from '@points/http';
import { parsePoints, type Instant, type ProgrammeId } from '@points/kernel';
import { match, timeText, type Elsewhere, type OwnLine, type Reconciliation } from './match.js';
import { listRowsMax, readList, type ListedKind } from './read-list.js';

export interface Question {
  readonly from: Instant;
  readonly to: Instant;
  readonly kinds: readonly ListedKind[];
  readonly counter: string | null;
  readonly toleranceMs: number;
}

/**
 * Compares another system's list with the postings of a period. Nothing is stored.
 * @throws Problem 422 `malformed-list`, `period-too-large`
 */
export async function reconcile(tx: Tx, programme: ProgrammeId, text: string, question: Question): Promise<Reconciliation> {
  const { from, to, kinds, counter, toleranceMs } = question;
  const list = readList(text, kinds);
  if ('errors' in list) {
    const [first] = list.errors;
    throw problem(
      422,
      'malformed-list',
      `nothing was compared; line ${first?.line ?? 1}, field ${first?.field ?? ''}: ${first?.reason ?? ''}`,
      {
        errors: list.errors,
      },
    );
  }
  const own = (await tx.query<StoredLine>(readOwn, [programme, from, to, kinds, counter, ownLinesMax + 1])).map(toOwn);
  if (own.length > ownLinesMax) {
    throw problem(422, 'period-too-large', `the period has more than ${ownLinesMax} postings of these kinds; compare shorter periods`, {
      ownLinesMax,
      listRowsMax,
    });
  }
  const known = new Set(own.map((one) => one.reference));
  const unknown = [...new Set(list.lines.flatMap(({ reference }) => (reference === null || known.has(reference) ? [] : [reference])))];
  return match(list.lines, own, await elsewhereOf(tx, programme, unknown), toleranceMs);
}

/** Every line that does not agree. */
export function differencesTable({ missingHere, missingThere, different }: Reconciliation): CsvTable {
  return {
    header: ['finding', 'line', 'reference', 'holder', 'kind', 'amountThere', 'amountHere', 'timeThere', 'timeHere', 'posting', 'reason'],
    rows: [
      ...missingHere.map(({ listed, reason }) => {
        return [
          'missingHere',
          listed.line,
          listed.reference,
          listed.holder,
          listed.kind,
          listed.amount,
          null,
          timeText(listed),
          null,
          null,
          reason,
        ];
      }),
      ...different.map(({ listed, own, reasons }) => {
        const { reference, holder } = listed;
        return [
          'different',
          listed.line,
          reference ?? own.reference,
          holder ?? own.holder,
          listed.kind,
          listed.amount,
          own.amount,
          timeText(listed),
          own.effectiveAt,
          own.posting,
          reasons.join('; '),
        ];
      }),
      ...missingThere.map(({ own, reason }) => {
        return ['missingThere', null, own.reference, own.holder, own.kind, null, own.amount, null, own.effectiveAt, own.posting, reason];
      }),
    ],
  };
}

/** Five times the longest list; about 20 MB of memory while they are compared. */
export const ownLinesMax = 100_000;

async function elsewhereOf(tx: Tx, programme: ProgrammeId, references: readonly string[]): Promise<Map<string, Elsewhere>> {
  if (references.length === 0) return new Map();
  const rows = await tx.query<StoredLine & { reference: string; code: string | null }>(readElsewhere, [programme, references]);
  return new Map(
    rows.map(({ code, ...row }) => [row.reference, code === null ? { state: 'posted', own: toOwn(row) } : { state: 'refused', code }]),
  );
}

interface StoredLine extends Omit<OwnLine, 'amount'> {
  readonly amount: string;
}

function toOwn({ amount, ...row }: StoredLine): OwnLine {
  return { ...row, amount: parsePoints(amount) };
}

const ownColumns = `t.transfer as posting, t.kind, substr(t.account, 8) as holder, t.amount, ${utc('t.effective_at')} as "effectiveAt"`;

const readOwn = {
  name: 'read_own_lines',
  text: `
    select ${ownColumns}, t.reference
    from transfer t
    where t.programme = $1 and t.effective_at >= $2::timestamptz and t.effective_at < $3::timestamptz and t.kind = any ($4::text[])
      and ($5::text is null or t.counter = $5)
    order by t.effective_at, t.transfer
    limit $6`,
};

const readElsewhere = {
  name: 'read_elsewhere',
  text: `
    select p.reference, p.refusal->>'code' as code, ${ownColumns}
    from unnest($2::text[]) as wanted (reference)
    join posting p on p.programme = $1 and p.reference = wanted.reference
    left join transfer t on t.programme = p.programme and t.account = p.account and t.effective_at = p.effective_at and t.transfer = p.transfer
    where p.refusal is not null or t.transfer is not null`,
};
