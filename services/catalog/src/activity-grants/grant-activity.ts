import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parsePoints, uuidv7 } from '@points/kernel';
import { readActivity } from '../activities/activities.js';
import { findHolder, unknownMyKeyId } from '@points/holders';
import { askLedger } from '../ledger-answers/ask-ledger.js';
import { decisionOf, wordColumns, type WordRow } from '../ledger-answers/word.js';
import type { Decision } from '../rules/decision.js';
import type { GrantActivity, GrantView } from './activity-grants.http.js';

/** @throws Problem 422; nothing is written then, and the key may be used again */
export async function grantActivity(
  tx: Tx,
  wish: GrantActivity & { municipality: string; programme: string; client: string },
): Promise<GrantView> {
  const { municipality, programme, occurrence, client } = wish;
  const activity = await readActivity(tx, municipality, wish.activity);
  if (!activity) throw problem(422, 'unknown-activity', 'this municipality has no such activity');
  if (activity.programme !== programme)
    throw problem(422, 'activity-of-other-programme', 'this activity earns points of another programme', { programme: activity.programme });
  const holder = await findHolder(tx, wish.myKeyId);
  if (holder === undefined) throw unknownMyKeyId();

  const id = uuidv7();
  const written = await tx.write(insertGrant, [municipality, id, programme, wish.activity, occurrence, activity.points, holder, client]);
  if (written === 0)
    throw problem(422, 'already-granted', 'this holder has the points of this occurrence already, or will have them in a moment', {
      occurrence,
    });
  await askLedger(tx, {
    matter: 'grant',
    id,
    municipality,
    programme,
    holder,
    client,
    instruction: { kind: 'issue', amount: activity.points, source: `activity:${wish.activity}`, funding: 'free' },
  });
  return (await readGrant(tx, { municipality, programme, grant: id })).view;
}

/** @throws Problem 404 */
export async function readGrant(
  tx: Tx,
  { municipality, programme, grant }: { municipality: string; programme: string; grant: string },
): Promise<{ decision: Decision; view: GrantView }> {
  const [row] = await tx.query<Row>(findGrant, [municipality, grant, programme]);
  if (!row) throw problem(404, 'unknown-grant', 'this programme has no such grant');
  const decision = decisionOf(row);
  const view = {
    grant,
    programme,
    activity: row.activity,
    occurrence: row.occurrence,
    points: parsePoints(row.points),
    state: decision.state,
    askedAt: row.asked_at.toISOString(),
    ...(decision.state === 'refused' && { refusal: { code: decision.refusal.code, detail: decision.refusal.detail } }),
  };
  return { decision, view };
}

type Row = WordRow & { activity: string; occurrence: string; points: string; asked_at: Date };

const insertGrant = {
  name: 'insert_grant',
  text: `
    insert into activity_grant (tenant, id, programme, activity, occurrence, points, holder, client, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending')
    on conflict (tenant, activity, occurrence, holder) where state <> 'refused' do nothing`,
};
const findGrant = {
  name: 'find_grant',
  text: `select activity, occurrence, points, asked_at, ${wordColumns} from activity_grant where tenant = $1 and id = $2 and programme = $3`,
};
