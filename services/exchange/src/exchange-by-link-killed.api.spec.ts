import { randomBytes, randomUUID } from 'node:crypto';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import { aboutToken } from './link-accounts/link.js';
import { parseSealKeys, Seal } from './link-accounts/seal.js';
import { exchangeProcess, type ExchangeProcess } from './testing/exchange-process.js';
import { closedProgramme, fakeLedger, type FakeLedger } from './testing/fake-ledger.js';
import { aPerson, linkAccount, registerPerson, setUpPartner, type Person } from './testing/linked-holder.js';
import { startPartnerSiteProcess, type PartnerSiteProcess } from './testing/partner-site-process.js';
import pg from 'pg';

const municipality = '141305';
const trial = `${municipality}-trial`;
const partner = 'miles';
const LINK_KEYS = `k1:${randomBytes(32).toString('base64url')}`;

let exchange: ExchangeProcess;
let ledger: FakeLedger;
let site: PartnerSiteProcess;
let staff: string;
let admin: pg.Pool;

beforeAll(async () => {
  exchange = await exchangeProcess({ LINK_KEYS, OUTSIDE_ALLOW_PRIVATE: 'true', PARTNER_ANSWER_MS: '1500' });
  [ledger, site] = await Promise.all([fakeLedger(exchange.topicPrefix), startPartnerSiteProcess(), exchange.start()]);
  const screening = ['screening:write', 'screening:read', 'screening:decide'];
  const scopes = ['partners:write', 'links:write', 'exchange:write', 'exchange:read', 'exchange:on-behalf', ...screening];
  staff = await exchange.token(scopes, [municipality], 'kawasaki-app');
  for (const programme of [trial, closedProgramme]) await setUpPartner(programmeAt(programme), partner, site, staff);
  admin = new pg.Pool({ connectionString: exchange.fresh.adminUrl, max: 3 });
}, 90_000);

afterAll(async () => {
  await admin?.end();
  await exchange?.close();
  await Promise.all([ledger?.close(), site?.stop()]);
});

const programmeAt = (programme: string) => `${exchange.url}/v1/municipalities/${municipality}/programmes/${programme}`;

interface Member extends Person {
  readonly account: string;
  readonly programme: string;
}

async function aMember(programme = trial): Promise<Member> {
  const member = { ...aPerson(), programme, account: `m-${randomUUID().slice(0, 8)}` };
  await registerPerson(exchange.fresh.database, member);
  await site.putAccount(member.account, 10_000);
  await linkAccount(programmeAt(programme), partner, site, member, member.account, staff);
  return member;
}

/** Its answer is of no interest: the process may be dead by then. */
function place(
  { myKeyId, programme }: Member,
  orderId: string = randomUUID(),
): { readonly orderId: string; readonly asked: Promise<unknown> } {
  const order = { orderId, myKeyId, partner, partnerPoints: 1_000 };
  return {
    orderId,
    asked: call(`${programmeAt(programme)}/exchange-orders`, { token: staff, body: order }).catch(() => undefined),
  };
}

/** From the table: the process may be dead. */
async function stateOf(orderId: string): Promise<string | undefined> {
  const { rows } = await admin.query<{ state: string }>('select state from exchange.exchange_order where order_id = $1', [orderId]);
  return rows[0]?.state;
}

async function standing({ account, holder }: Member, orderId: string) {
  const { reserved, taken } = await site.balance(account);
  return { state: await stateOf(orderId), reserved, taken, issued: ledger.balance(holder).balance };
}

const isAsked = (orderId: string, kind: string) =>
  ledger.asked.some(({ reference, instruction }) => reference.includes(orderId) && instruction.kind === kind);

async function reservationOf({ account }: Member): Promise<string> {
  const found = (await site.books()).reservations.find((one) => one.account === account);
  if (!found) throw new Error(`nothing is reserved of ${account}`);
  return found.id;
}

/** Points of both companies and orders, summed. */
async function sums() {
  const { balances, differences } = await site.books();
  const { rows } = await admin.query<{ state: string; partner: string; municipal: string }>(
    'select state, sum(partner_points) as partner, sum(municipal_points) as municipal from exchange.exchange_order group by 1',
  );
  const completed = rows.find((row) => row.state === 'completed');
  const issued = await admin.query<{ holder: string }>('select distinct holder from exchange.exchange_order');
  return {
    states: rows.map((row) => row.state).sort(),
    differences,
    reserved: balances.reduce((sum, one) => sum + one.reserved, 0),
    taken: balances.reduce((sum, one) => sum + one.taken, 0) - Number(completed?.partner ?? 0),
    issued: issued.rows.reduce((sum, row) => sum + ledger.balance(row.holder).balance, 0) - Number(completed?.municipal ?? 0),
  };
}

const roundsMax = 4;
const agreed = { differences: [], reserved: 0, taken: 0, issued: 0 };

describe('killed with -9', () => {
  const [nothing, reservedOnly] = [
    { reserved: 0, taken: 0, issued: 0 },
    { reserved: 1_000, taken: 0, issued: 0 },
  ];
  const issuedToo = { reserved: 1_000, taken: 0, issued: 500 };
  /** What the partner does not answer, and how all stands at the moment of death. `slow` has done it, `time-out` has not. */
  const points = [
    ['before the partner hears of the order', trial, { step: 'reserve', kind: 'time-out' }, { state: 'reserving', ...nothing }],
    ['after the partner has reserved', trial, { step: 'reserve', kind: 'slow' }, { state: 'reserving', ...reservedOnly }],
    ['before the partner hears of the commit', trial, { step: 'commit', kind: 'time-out' }, { state: 'committing', ...issuedToo }],
    [
      'after the partner has committed',
      trial,
      { step: 'commit', kind: 'slow' },
      { state: 'committing', reserved: 0, taken: 1_000, issued: 500 },
    ],
    [
      'before the partner hears of the cancel',
      closedProgramme,
      { step: 'cancel', kind: 'time-out' },
      { state: 'cancelling', ...reservedOnly },
    ],
    ['after the partner has cancelled', closedProgramme, { step: 'cancel', kind: 'slow' }, { state: 'cancelling', ...nothing }],
  ] as const;
  const ends = {
    completed: { state: 'completed', reserved: 0, taken: 1_000, issued: 500 },
    refused: { state: 'refused', ...nothing },
    reversed: { state: 'reversed', ...nothing },
  };

  it('between every two steps, each order comes to the end that it would have come to', async () => {
    const stuck = [];
    for (const [name, programme, failure, standsAt] of points) {
      const member = await aMember(programme);
      await site.fail({ ...failure, account: member.account, times: null, delayMs: 100_000 });
      const end = programme === closedProgramme ? ends.refused : ends.completed;
      stuck.push({ name, member, standsAt, end, ...place(member) });
    }
    // The partner lets go what it was asked to take; the order hears of it after its death.
    const lapsed = { name: 'after the reservation has lapsed', member: await aMember(), standsAt: { state: 'committing', ...issuedToo } };
    await site.fail({ step: 'commit', kind: 'time-out', account: lapsed.member.account, times: null });
    const lapsing = place(lapsed.member);
    // Or before: then the points are being taken back when it dies.
    ledger.fallSilent('reverse');
    const refused = { name: 'after the commit was refused and the points asked back', member: await aMember() };
    await site.fail({ step: 'commit', kind: 'refuse', account: refused.member.account });
    const refusing = place(refused.member);
    await eventually(() => Promise.resolve(isAsked(refusing.orderId, 'reverse')));
    stuck.push({ ...refused, ...refusing, standsAt: { state: 'reversing', ...nothing, issued: 500 }, end: ends.reversed });
    for (const { name, member, orderId, standsAt } of [...stuck, { ...lapsed, ...lapsing }])
      await eventually(async () => JSON.stringify([name, await standing(member, orderId)]) === JSON.stringify([name, standsAt]));
    await site.lapse(await reservationOf(lapsed.member));
    stuck.push({ ...lapsed, ...lapsing, standsAt: { ...lapsed.standsAt, reserved: 0 }, end: ends.reversed });
    // And one that the ledger was asked for, and has answered to nobody.
    ledger.fallSilent();
    const waiting = { name: 'after the ledger was asked', member: await aMember() };
    const asking = place(waiting.member);
    await eventually(() => Promise.resolve(isAsked(asking.orderId, 'issue')));
    stuck.push({ ...waiting, ...asking, standsAt: { state: 'pending', ...reservedOnly }, end: ends.completed });

    await exchange.kill();
    const atDeath = await Promise.all(stuck.map(async ({ name, member, orderId }) => [name, await standing(member, orderId)]));
    expect(atDeath).toEqual(stuck.map(({ name, standsAt }) => [name, standsAt]));
    await ledger.speak();
    await site.clearFailures();
    await exchange.start();

    for (const { orderId, end } of stuck) await eventually(async () => (await stateOf(orderId)) === end.state, { timeoutMs: 40_000 });
    const ended = await Promise.all(stuck.map(async ({ name, member, orderId }) => [name, await standing(member, orderId)]));
    expect(ended).toEqual(stuck.map(({ name, end }) => [name, end]));
    expect(await sums()).toEqual({ states: ['completed', 'refused', 'reversed'], ...agreed });
  }, 120_000);

  it('while a person is waited for: what the person then says is done', async () => {
    const watched = `${municipality}-watched`;
    await setUpPartner(programmeAt(watched), partner, site, staff);
    const rule = { measure: 'points', by: 'holder', windowMinutes: 60, limit: 0, action: 'review', partners: [partner] };
    const put = await call(`${programmeAt(watched)}/screening-rules/all`, { method: 'PUT', token: staff, body: rule });
    expect(put.status).toBe(200);
    const [looked, disputed] = [await aMember(watched), await aMember()];
    ledger.keepGrants();
    await site.fail({ step: 'commit', kind: 'refuse', account: disputed.account });
    const [inReview, inDispute] = [place(looked), place(disputed)];
    await eventually(async () => (await stateOf(inReview.orderId)) === 'in-review');
    await eventually(async () => (await stateOf(inDispute.orderId)) === 'in-dispute');

    await exchange.kill();
    ledger.letGrantsGo();
    await site.reinstate(await reservationOf(disputed));
    await exchange.start();
    expect([await standing(looked, inReview.orderId), await standing(disputed, inDispute.orderId)]).toEqual([
      { state: 'in-review', ...nothing },
      { state: 'in-dispute', ...issuedToo },
    ]);
    const { body } = await call<{ reviews: { order: string }[] }>(`${programmeAt(watched)}/order-reviews`, { token: staff });
    const decision = { token: staff, body: { decision: 'approve', reason: 'looked at it' } };
    const decided = await call(`${programmeAt(watched)}/order-reviews/${body.reviews[0]?.order ?? ''}/decisions`, decision);
    const attempts = `${programmeAt(trial)}/partners/${partner}/exchange-orders/${inDispute.orderId}/attempts`;
    const asked = await call(attempts, { token: staff, body: {} });

    expect([decided.status, asked.status]).toEqual([201, 200]);
    for (const { orderId } of [inReview, inDispute]) await eventually(async () => (await stateOf(orderId)) === 'completed');
    expect([await standing(looked, inReview.orderId), await standing(disputed, inDispute.orderId)]).toEqual([
      ends.completed,
      ends.completed,
    ]);
    expect(await sums()).toEqual({ states: ['completed', 'refused', 'reversed'], ...agreed });
  }, 120_000);

  it('again and again at any moment, while the partner loses every answer once: partner, ledger and orders agree', async () => {
    const members = await Promise.all(Array.from({ length: 4 }, (_, n) => aMember(n === 3 ? closedProgramme : trial)));
    await site.fail({ kind: 'lost-answer', each: true });
    const placed: { readonly member: Member; readonly orderId: string }[] = [];
    for (let round = 0; round < roundsMax; round++) {
      const now = members.flatMap((member) => [member, member]).map((member) => ({ member, orderId: place(member).orderId }));
      placed.push(...now);
      await eventually(async () => (await Promise.all(now.map(({ orderId }) => stateOf(orderId)))).some((state) => state !== undefined));
      // From here on no state is waited for: any moment is the right one to die.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
      await exchange.kill();
      await exchange.start();
    }
    // Whoever got no answer asks again, as every caller does.
    await Promise.all(placed.map(({ member, orderId }) => place(member, orderId).asked));

    for (const { member, orderId } of placed) {
      const end = member.programme === closedProgramme ? 'refused' : 'completed';
      await eventually(async () => (await stateOf(orderId)) === end, { timeoutMs: 90_000 });
    }
    expect(await sums()).toEqual({ states: ['completed', 'refused', 'reversed'], ...agreed });
  }, 240_000);

  it('and none of its logs holds a token or a secret', async () => {
    const { rows } = await admin.query<{ id: string; access_token: string; refresh_token: string }>(
      `select id, access_token, refresh_token from exchange.account_link where state = 'linked'`,
    );
    const seal = new Seal(parseSealKeys(LINK_KEYS) ?? new Map());
    const secrets = [
      ...rows.flatMap((row) => [
        seal.open(row.access_token, aboutToken(row.id, 'access')),
        seal.open(row.refresh_token, aboutToken(row.id, 'refresh')),
      ]),
      ...[site.client.clientSecret, LINK_KEYS.slice(3)],
    ];

    const text = exchange.lines.join('\n');

    expect(exchange.lines.length).toBeGreaterThan(20);
    expect(secrets.length).toBeGreaterThan(10);
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });
});
