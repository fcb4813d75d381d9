import type { Tx } from '@points/database';
import { problem, type CsvTable } from '@points/http';
import { parsePoints } from '@points/kernel';
import { instantOf } from '../clock.js';
import { listRowsMax } from '../reconcile-partners/read-orders-list.js';
import type { Period } from '../reconcile-partners/reconcile-query.js';
import { malformedList } from '../reconcile-partners/take-lists.js';
import type { ConversionState } from '../rules/conversion-state.js';
import { matchCredits, notCredited, type CreditMatch, type ListedCredit, type OwnCredit } from '../rules/match-credits.js';
import type { ElsewhereOf } from '../rules/match-lines.js';
import { creditedAt } from './create-credited-at.js';
import { readCreditsList } from './read-credits-list.js';

/** Five times the longest list. */
export const ownCreditsMax = 100_000;

export interface CreditQuestion extends Period {
  readonly programme: string;
  readonly scheme: string;
}

/**
 * Compares a scheme's own file with what it has acknowledged to us. Nothing is stored and nothing is set right: that is for people.
 * @throws Problem 422 `malformed-list`, `period-too-large`
 */
export async function reconcileCredits(tx: Tx, text: string, question: CreditQuestion): Promise<CreditMatch> {
  const list = readCreditsList(text);
  if ('errors' in list) throw malformedList(list.errors);
  const { programme, scheme, from, to, toleranceDays } = question;
  const own = (await tx.query<OwnRow>(readOwn, [programme, scheme, from, to, ownCreditsMax + 1])).map((row) => ownOf(programme, row));
  if (own.length > ownCreditsMax)
    throw problem(422, 'period-too-large', `the days have more than ${ownCreditsMax} credits; compare fewer days`, {
      ownCreditsMax,
      listRowsMax,
    });
  const known = new Set(own.map((one) => one.creditId));
  const unknown = list.lines.filter((one) => !known.has(one.creditId));
  return matchCredits(list.lines, own, await elsewhereOf(tx, question, unknown), toleranceDays);
}

/** Every line that does not agree. */
export function creditDifferencesTable({ missingHere, missingThere, different }: CreditMatch): CsvTable {
  const row = (finding: string, there: ListedCredit | null, here: OwnCredit | null, reason: string) => [
    ...[finding, there?.line, there?.creditId ?? here?.creditId, there?.points, here?.points],
    ...[there?.receipt, here?.receipt, there?.date, here?.creditedAt, reason],
  ];
  return {
    header: [
      ...['finding', 'line', 'creditId', 'pointsThere', 'pointsHere'],
      ...['receiptThere', 'receiptHere', 'dateThere', 'creditedAt', 'reason'],
    ],
    rows: [
      ...missingHere.map(({ listed, reason }) => row('missingHere', listed, null, reason)),
      ...different.map(({ listed, own, reasons }) => row('different', listed, own, reasons.join('; '))),
      ...missingThere.map((own) => row('missingThere', null, own, 'not in the list')),
    ],
  };
}

/** Lines that are not among those compared: credited at another time or scheme, or not acknowledged to us. */
async function elsewhereOf(
  tx: Tx,
  { programme, scheme }: CreditQuestion,
  unknown: readonly ListedCredit[],
): Promise<Map<string, ElsewhereOf<OwnCredit>>> {
  const stem = `${programme}:`;
  const ids = unknown.filter((one) => one.creditId.startsWith(stem)).map((one) => one.creditId.slice(stem.length));
  const rows = ids.length ? await tx.query<ElsewhereRow>(readElsewhere, [programme, ids]) : [];
  return new Map(
    rows.map((row): [string, ElsewhereOf<OwnCredit>] => {
      const { receipt, state } = row;
      const creditId = stem + row.conversion_id;
      if (row.scheme !== scheme) return [creditId, { state: `the conversion is ${state} at another scheme` }];
      return [
        creditId,
        receipt === null ? { state: notCredited(state, row.refusal_code) } : { own: ownOf(programme, { ...row, receipt }) },
      ];
    }),
  );
}

interface OwnRow {
  readonly conversion_id: string;
  readonly points: string;
  readonly receipt: string;
  readonly credited_at: Date;
}

interface ElsewhereRow extends Omit<OwnRow, 'receipt'> {
  readonly receipt: string | null;
  readonly state: ConversionState;
  readonly refusal_code: string | null;
  readonly scheme: string;
}

function ownOf(programme: string, row: OwnRow): OwnCredit {
  return {
    creditId: `${programme}:${row.conversion_id}`,
    points: parsePoints(row.points),
    receipt: row.receipt,
    creditedAt: instantOf(row.credited_at),
  };
}

const readOwn = {
  name: 'read_own_credits',
  text: `
    select conversion_id, points, receipt, ${creditedAt} as credited_at
    from conversion
    where programme = $1 and scheme = $2 and receipt is not null and ${creditedAt} >= $3 and ${creditedAt} < $4
    order by ${creditedAt}, conversion_id limit $5`,
};

const readElsewhere = {
  name: 'read_credits_elsewhere',
  text: `
    select conversion_id, points, receipt, state, refusal ->> 'code' as refusal_code, scheme, ${creditedAt} as credited_at
    from conversion where programme = $1 and conversion_id = any ($2)`,
};
