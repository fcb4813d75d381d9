import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parsePoints, uuidv7 } from '@points/kernel';
import { readFund } from '../funds/funds.js';
import { findHolder, unknownMyKeyId } from '@points/holders';
import { askLedger } from '../ledger-answers/ask-ledger.js';
import { decisionOf, wordColumns, type WordRow } from '../ledger-answers/word.js';
import type { Decision } from '../rules/decision.js';
import type { Donate, DonationView } from './donations.http.js';

/** @throws Problem 422; nothing is written then, and the key may be used again */
export async function donate(tx: Tx, wish: Donate & { municipality: string; programme: string; client: string }): Promise<DonationView> {
  const { municipality, programme, amount, client } = wish;
  const fund = await readFund(tx, municipality, wish.fund);
  if (!fund) throw problem(422, 'unknown-fund', 'this municipality has no such fund');
  if (fund.programme !== programme)
    throw problem(422, 'fund-of-other-programme', 'this fund takes points of another programme', { programme: fund.programme });
  const holder = await findHolder(tx, wish.myKeyId);
  if (holder === undefined) throw unknownMyKeyId();

  const id = uuidv7();
  await tx.write(insertDonation, [municipality, id, programme, wish.fund, amount, holder, client]);
  const to = `fund:${wish.fund}`;
  await askLedger(tx, {
    matter: 'donation',
    id,
    municipality,
    programme,
    holder,
    client,
    instruction: { kind: 'donate', amount, to, places: [to] },
  });
  return (await readDonation(tx, { municipality, programme, donation: id })).view;
}

/** @throws Problem 404 */
export async function readDonation(
  tx: Tx,
  { municipality, programme, donation }: { municipality: string; programme: string; donation: string },
): Promise<{ decision: Decision; view: DonationView }> {
  const [row] = await tx.query<Row>(findDonation, [municipality, donation, programme]);
  if (!row) throw problem(404, 'unknown-donation', 'this programme has no such donation');
  const decision = decisionOf(row);
  const view = {
    donation,
    programme,
    fund: row.fund,
    amount: parsePoints(row.points),
    state: decision.state,
    askedAt: row.asked_at.toISOString(),
    ...(decision.state === 'refused' && { refusal: { code: decision.refusal.code, detail: decision.refusal.detail } }),
  };
  return { decision, view };
}

type Row = WordRow & { fund: string; points: string; asked_at: Date };

const insertDonation = {
  name: 'insert_donation',
  text: `insert into donation (tenant, id, programme, fund, points, holder, client, state) values ($1, $2, $3, $4, $5, $6, $7, 'pending')`,
};
const findDonation = {
  name: 'find_donation',
  text: `select fund, points, asked_at, ${wordColumns} from donation where tenant = $1 and id = $2 and programme = $3`,
};
