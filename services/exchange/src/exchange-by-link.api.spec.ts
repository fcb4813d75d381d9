import { randomBytes, randomUUID } from 'node:crypto';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import pg from 'pg';
import { exchange } from './exchange.js';
import { closedProgramme, fakeLedger, type FakeLedger } from './testing/fake-ledger.js';
import { aPerson, linkAccount, registerPerson, setUpPartner, type Person } from './testing/linked-holder.js';
import { startPartnerSiteProcess, type PartnerSiteProcess } from './testing/partner-site-process.js';

const municipality = '141305';
const partner = 'miles';
/** How long a partner may take here. */
const answerMs = 1_000;

let service: TestService;
let ledger: FakeLedger;
let site: PartnerSiteProcess;
let staff: string;
let admin: pg.Client;
const programmeAt = (programme: string) => `${service.url}/v1/municipalities/${municipality}/programmes/${programme}`;
const trial = `${municipality}-trial`;

beforeAll(async () => {
  service = await testService(exchange, {
    LINK_KEYS: `k1:${randomBytes(32).toString('base64url')}`,
    PARTNER_ANSWER_MS: answerMs,
    OUTSIDE_ALLOW_PRIVATE: 'true',
  });
  [ledger, site] = await Promise.all([fakeLedger(service.topicPrefix), startPartnerSiteProcess()]);
  const scopes = ['partners:write', 'links:write', 'exchange:write', 'exchange:read', 'exchange:on-behalf', 'history:write'];
  staff = await service.token(scopes, [municipality], 'kawasaki-app');
  for (const programme of [trial, closedProgramme]) await setUpPartner(programmeAt(programme), partner, site, staff);
  admin = new pg.Client({ connectionString: service.fresh.adminUrl });
  await admin.connect();
}, 60_000);

afterEach(async () => {
  await site.clearFailures();
  // Whatever a test did: the partner's two books tell the same.
  expect((await site.books()).differences).toEqual([]);
});

afterAll(async () => {
  await admin?.end();
  await service?.close();
  await Promise.all([ledger?.close(), site?.stop()]);
});

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

interface Linked extends Person {
  readonly account: string;
  readonly link: string;
}

async function aMember(programme = trial): Promise<Linked> {
  const person = { ...aPerson(), account: `m-${randomUUID().slice(0, 8)}` };
  await registerPerson(service.database, person);
  await site.putAccount(person.account, 10_000);
  return { ...person, link: await linkAccount(programmeAt(programme), partner, site, person, person.account, staff) };
}

const anOrder = ({ myKeyId }: Person, changes: object = {}) => ({
  orderId: randomUUID(),
  myKeyId,
  partner,
  partnerPoints: 1_000,
  ...changes,
});
const place = (order: object, programme = trial) => call(`${programmeAt(programme)}/exchange-orders`, { token: staff, body: order });
const addressOf = ({ orderId }: { orderId: string }, programme = trial) =>
  `${programmeAt(programme)}/partners/${partner}/exchange-orders/${orderId}`;
const read = (order: { orderId: string }, programme = trial) =>
  call<{ state: string; atPartner: Record<string, unknown>; refusal?: { code: string } }>(addressOf(order, programme), { token: staff });
const stateOf = async (order: { orderId: string }, programme = trial) => (await read(order, programme)).body.state;
const ended = (order: { orderId: string }, state: string, programme = trial) =>
  eventually(async () => (await stateOf(order, programme)) === state, { timeoutMs: 20_000 });
/** What the partner's own system is told by webhook. */
const toldOf = async ({ orderId }: { orderId: string }) =>
  (
    await admin.query<{ type: string }>(`select type from exchange.partner_event where data ->> 'orderId' = $1 order by id`, [orderId])
  ).rows.map((row) => row.type);
/** What both companies' books say of a member: taken there, issued here, and nothing left reserved. */
async function booksOf({ account, holder }: Linked) {
  const { available, reserved, taken } = await site.balance(account);
  return { available, reserved, taken, issued: ledger.balance(holder).balance };
}

describe('an order of a linked account', () => {
  it('takes the points at the partner and issues them here', async () => {
    const member = await aMember();
    const order = anOrder(member);

    const { status, body } = await place(order);

    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ state: 'completed', channel: 'link', partnerPoints: 1_000, municipalPoints: 500 }),
    ]);
    expect(await booksOf(member)).toEqual({ available: 9_000, reserved: 0, taken: 1_000, issued: 500 });
    expect(await toldOf(order)).toEqual(['exchange-order.completed']);
    expect((await read(order)).body.atPartner).toEqual({
      link: member.link,
      lapsesAt: expect.any(String) as string,
      receipt: expect.stringMatching(/^PS-/) as string,
      attempts: 0,
    });
  });

  it('is one order, however often it is placed', async () => {
    const member = await aMember();
    const order = anOrder(member);

    const answers = await Promise.all(Array.from({ length: 6 }, () => place(order)));

    expect(answers.map((one) => one.status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    expect(await booksOf(member)).toEqual({ available: 9_000, reserved: 0, taken: 1_000, issued: 500 });
  });

  it('is refused where the partner refuses, and counts for no cap', async () => {
    const member = await aMember();
    await call(`${programmeAt(trial)}/partners/capped`, {
      method: 'PUT',
      token: staff,
      body: {
        ...{ kind: 'account-link', name: 'Capped', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 100 },
        caps: [{ of: 'holder', per: 'day', points: 20_000 }],
      },
    });
    const connection = { issuer: site.url, endpoint: site.endpoint, ...site.client, redirectUri: 'http://127.0.0.1:9/linked' };
    await call(`${programmeAt(trial)}/partners/capped/connection`, { method: 'PUT', token: staff, body: connection });
    await linkAccount(programmeAt(trial), 'capped', site, member, member.account, staff);

    const refused = await place(anOrder(member, { partner: 'capped', partnerPoints: 20_000 }));
    const allowed = await place(anOrder(member, { partner: 'capped', partnerPoints: 10_000 }));

    expect(refused).toMatchObject({ status: 422, body: { code: 'partner-refused', partnerCode: 'insufficient-points', state: 'refused' } });
    expect(allowed).toMatchObject({ status: 201, body: { state: 'completed' } });
    expect(await booksOf(member)).toEqual({ available: 0, reserved: 0, taken: 10_000, issued: 10_000 });
  });

  it('is cancelled at the partner where the ledger refuses', async () => {
    const member = await aMember(closedProgramme);

    const order = anOrder(member);
    const { status, body } = await place(order, closedProgramme);

    expect([status, body.code]).toEqual([422, 'outside-period']);
    expect(await toldOf(order)).toEqual(['exchange-order.refused']);
    expect(await booksOf(member)).toEqual({ available: 10_000, reserved: 0, taken: 0, issued: 0 });
    expect((await site.books()).reservations.filter((one) => one.account === member.account)).toMatchObject([{ state: 'cancelled' }]);
  });

  it('is not taken of somebody who has no account linked', async () => {
    const person = aPerson();
    await registerPerson(service.database, person);

    expect(await place(anOrder(person))).toMatchObject({ status: 422, body: { code: 'account-not-linked', partner } });
  });

  it('of the past was exchanged then: its partner is not asked', async () => {
    const member = await aMember();

    const { status, body } = await place(anOrder(member, { acceptedAt: '2018-02-28T09:00:00+09:00' }));

    expect([status, body.channel]).toEqual([201, 'api']);
    expect(await booksOf(member)).toEqual({ available: 10_000, reserved: 0, taken: 0, issued: 500 });
  });

  it('comes to its end when the account is unlinked meanwhile', async () => {
    const member = await aMember();
    const order = anOrder(member);
    ledger.fallSilent();
    const placed = place(order);
    await eventually(async () => (await stateOf(order)) === 'pending');

    await call(`${programmeAt(trial)}/account-links/${member.link}`, { method: 'DELETE', token: staff });
    await ledger.speak();

    expect(await placed).toMatchObject({ status: 201, body: { state: 'completed' } });
    expect(await booksOf(member)).toEqual({ available: 9_000, reserved: 0, taken: 1_000, issued: 500 });
  });

  it('that waits for a person asks its partner once it is let pass, and nothing when it is not', async () => {
    const guard = await service.token(['screening:write', 'screening:read', 'screening:decide'], [municipality], 'kawasaki-guard');
    const at = programmeAt(closedProgramme).replace(closedProgramme, `${municipality}-watched`);
    await setUpPartner(at, partner, site, staff);
    const rule = { measure: 'points', by: 'holder', windowMinutes: 60, limit: 0, action: 'review', partners: [partner] };
    expect((await call(`${at}/screening-rules/all`, { method: 'PUT', token: guard, body: rule })).status).toBe(200);
    const members = await Promise.all([aMember(`${municipality}-watched`), aMember(`${municipality}-watched`)]);
    const orders = members.map((member) => anOrder(member));

    const placed = await Promise.all(orders.map((order) => place(order, `${municipality}-watched`)));
    expect(placed.map(({ status, body }) => [status, body.state])).toEqual([
      [202, 'in-review'],
      [202, 'in-review'],
    ]);
    expect((await site.books()).reservations.filter((one) => members.some(({ account }) => account === one.account))).toEqual([]);
    const { body } = await call<{ reviews: { order: string; myKeyId: string }[] }>(`${at}/order-reviews`, { token: guard });
    for (const [n, decision] of (['approve', 'refuse'] as const).entries()) {
      const review = body.reviews.find((one) => one.myKeyId === members[n]?.myKeyId);
      const decided = { decision, reason: 'looked at it' };
      expect((await call(`${at}/order-reviews/${review?.order ?? ''}/decisions`, { token: guard, body: decided })).status).toBe(201);
    }

    await ended(must(orders[0]), 'completed', `${municipality}-watched`);
    await ended(must(orders[1]), 'refused', `${municipality}-watched`);
    expect(await Promise.all(members.map(booksOf))).toEqual([
      { available: 9_000, reserved: 0, taken: 1_000, issued: 500 },
      { available: 10_000, reserved: 0, taken: 0, issued: 0 },
    ]);
  });

  it('has its bonus issued once the partner has committed, not before', async () => {
    const approver = await service.token(['partners:write', 'partners:approve'], [municipality], 'kawasaki-head');
    const campaign = `spring-${randomUUID().slice(0, 6)}`;
    const address = `${programmeAt(trial)}/campaigns/${campaign}`;
    const proposed = await call(address, {
      method: 'PUT',
      token: staff,
      body: {
        ...{ name: 'Spring', partners: [partner], bonusPoints: 30, budget: 30, borneBy: 'municipality' },
        ...{ from: new Date(Date.now() - 60_000).toISOString(), to: new Date(Date.now() + 600_000).toISOString() },
      },
    });
    const approved = await call(`${address}/approvals`, { token: approver, body: { campaign, proposedAt: proposed.body.proposedAt } });
    expect([proposed.status, approved.status]).toEqual([201, 201]);
    const member = await aMember();
    await site.fail({ step: 'commit', kind: 'error', account: member.account, times: 2 });
    const order = anOrder(member);

    const placed = place(order);
    await eventually(async () => (await stateOf(order)) === 'committing');
    expect(ledger.balance(member.holder).balance).toBe(500);

    expect((await placed).status).toBe(201);
    await eventually(() => Promise.resolve(ledger.balance(member.holder).balance === 530));
  });
});

describe('whatever happens on the way, the books agree in the end', () => {
  const kinds = ['lost-answer', 'error', 'error-after', 'duplicate', 'time-out', 'late', 'slow'] as const;

  it.each([
    ['reserve', trial, 'completed', { available: 9_000, reserved: 0, taken: 1_000, issued: 500 }],
    ['commit', trial, 'completed', { available: 9_000, reserved: 0, taken: 1_000, issued: 500 }],
    ['cancel', closedProgramme, 'refused', { available: 10_000, reserved: 0, taken: 0, issued: 0 }],
  ] as const)('at the step %s', async (step, programme, end, books) => {
    const orders = await Promise.all(
      kinds.map(async (kind) => {
        const member = await aMember(programme);
        // Late and slow: after the caller has given up.
        const delayMs = kind === 'late' || kind === 'slow' ? answerMs + 200 : 0;
        await site.fail({ step, kind, account: member.account, delayMs });
        return { kind, member, order: anOrder(member) };
      }),
    );

    await Promise.all(orders.map(({ order }) => place(order, programme)));

    for (const { order } of orders) await ended(order, end, programme);
    const agreed = await Promise.all(orders.map(async ({ kind, member }) => [kind, await booksOf(member)]));
    expect(agreed).toEqual(kinds.map((kind) => [kind, books]));
  });

  it('when every answer of every step is lost once, for many orders at a time', async () => {
    const members = await Promise.all(Array.from({ length: 8 }, (_, n) => aMember(n % 4 === 3 ? closedProgramme : trial)));
    await site.fail({ kind: 'lost-answer', each: true });
    const orders = members.flatMap((member, n) =>
      [anOrder(member), anOrder(member)].map((order) => ({ member, order, isClosed: n % 4 === 3 })),
    );

    await Promise.all(orders.map(({ order, isClosed }) => place(order, isClosed ? closedProgramme : trial)));

    for (const { order, isClosed } of orders) await ended(order, isClosed ? 'refused' : 'completed', isClosed ? closedProgramme : trial);
    expect(await Promise.all(members.map(booksOf))).toEqual(
      members.map((_, n) =>
        n % 4 === 3
          ? { available: 10_000, reserved: 0, taken: 0, issued: 0 }
          : { available: 8_000, reserved: 0, taken: 2_000, issued: 1_000 },
      ),
    );
  }, 60_000);
});

describe('an order that is called off while its partner is asked to reserve', () => {
  const cancel = (order: { orderId: string }) =>
    call(`${addressOf(order)}/cancellations`, { token: staff, body: { reason: 'cooling-off' } });
  const callOff = async (failure: object) => {
    const member = await aMember();
    await site.fail({ step: 'reserve', account: member.account, times: null, ...failure });
    const order = anOrder(member);
    const placed = place(order);
    await eventually(async () => (await stateOf(order)) === 'reserving');
    return { member, order, placed };
  };
  const reservationsOf = async ({ account }: Linked) =>
    (await site.books()).reservations.filter((one) => one.account === account).map((one) => one.state);
  const untouched = { available: 10_000, reserved: 0, taken: 0, issued: 0 };

  it('is refused with both sides agreed, and counts for nothing', async () => {
    const { member, order, placed } = await callOff({ kind: 'time-out' });

    const { status, body } = await cancel(order);

    const refusal = { code: 'cancelled', facts: { reason: 'cooling-off', by: 'kawasaki-app' } };
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ state: 'refused', refusal: expect.objectContaining(refusal) as object }),
    ]);
    expect(await placed).toMatchObject({ status: 422, body: { code: 'cancelled', state: 'refused' } });
    expect((await cancel(order)).status).toBe(200);
    expect(await booksOf(member)).toEqual(untouched);
    expect(ledger.asked.filter((one) => one.reference.includes(order.orderId))).toEqual([]);
    expect(await toldOf(order)).toEqual(['exchange-order.refused']);
  });

  it.each([
    ['is lost', { kind: 'lost-answer' }],
    ['is an error after it was done', { kind: 'error-after' }],
    ['comes late', { kind: 'slow', delayMs: answerMs * 4 }],
  ])('gives back what the partner has reserved, when its answer %s', async (_, failure) => {
    const { member, order } = await callOff(failure);
    await eventually(async () => (await booksOf(member)).reserved === 1_000);

    await cancel(order);

    await ended(order, 'refused');
    expect(await booksOf(member)).toEqual(untouched);
    expect(await reservationsOf(member)).toEqual(['cancelled']);
  });

  it('has nothing reserved when the request itself arrives after the cancel', async () => {
    const { member, order } = await callOff({ kind: 'late', delayMs: answerMs * 2, times: 1 });

    const { status } = await cancel(order);
    expect([200, 202]).toContain(status);
    await ended(order, 'refused');

    // The partner knows the id as cancelled. That nothing happens cannot be seen: the books are read once the late request is over for sure.
    const late = Date.now() + answerMs * 3;
    await eventually(() => Promise.resolve(Date.now() > late));
    expect(await booksOf(member)).toEqual(untouched);
  });

  it('is under way until the partner has confirmed', async () => {
    const { member, order } = await callOff({ kind: 'lost-answer' });
    await eventually(async () => (await booksOf(member)).reserved === 1_000);
    await site.fail({ step: 'cancel', kind: 'error', account: member.account, times: null });

    const first = await cancel(order);

    expect([first.status, first.body.state]).toEqual([202, 'cancelling']);
    await site.clearFailures();
    await ended(order, 'refused');
    expect(await booksOf(member)).toEqual(untouched);
  });

  it('is not called off any more once the ledger is asked', async () => {
    const member = await aMember();
    const order = anOrder(member);
    ledger.fallSilent();
    const placed = place(order);
    await eventually(async () => (await stateOf(order)) === 'pending');

    const { status, body } = await cancel(order);
    await ledger.speak();

    expect([status, body.code]).toEqual([409, 'order-under-way']);
    expect(await placed).toMatchObject({ status: 201, body: { state: 'completed' } });
  });
});

describe('a partner that does not do its part', () => {
  it('is given up when it does not reserve in time, and what arrives late there is cancelled', async () => {
    const member = await aMember();
    await site.fail({ step: 'reserve', kind: 'late', account: member.account, delayMs: 4_000 });
    const order = anOrder(member);
    const placed = place(order);
    // As if two minutes had passed.
    await eventually(
      async () => (await admin.query(`update exchange.link_order set reserve_until = now() where link = $1`, [member.link])).rowCount === 1,
    );

    expect(await placed).toMatchObject({ status: 422, body: { code: 'partner-unavailable', partner, state: 'refused' } });
    await eventually(async () => {
      const { reservations } = await site.books();
      return reservations.filter((one) => one.id.length === 36 && one.state === 'reserved').length === 0;
    });
    expect(await booksOf(member)).toEqual({ available: 10_000, reserved: 0, taken: 0, issued: 0 });
  });

  it('and refuses for good to take what is issued: the points are taken back', async () => {
    const member = await aMember();
    await site.fail({ step: 'commit', kind: 'refuse', account: member.account });
    const order = anOrder(member);

    const { status, body } = await place(order);

    expect([status, body.code, body.partnerCode, body.state]).toEqual([422, 'partner-refused', 'lapsed', 'reversed']);
    expect(await booksOf(member)).toEqual({ available: 10_000, reserved: 0, taken: 0, issued: 0 });
    expect((await read(order)).body).toMatchObject({
      state: 'reversed',
      reversal: { state: 'reversed', reason: 'other' },
    });
  });

  it('is in dispute with us when the points cannot be taken back either, until it commits after all', async () => {
    const member = await aMember();
    await site.fail({ step: 'commit', kind: 'refuse', account: member.account });
    const order = anOrder(member);
    ledger.fallSilent();
    const placed = place(order);
    await eventually(async () => (await stateOf(order)) === 'pending');
    ledger.keepGrants();
    await ledger.speak();

    expect((await placed).status).toBe(202);
    await ended(order, 'in-dispute');
    expect((await read(order)).body.refusal).toMatchObject({ code: 'partner-refused', facts: { partnerCode: 'lapsed' } });
    // The partner puts things right.
    const { id } = must((await site.books()).reservations.find((one) => one.account === member.account));
    await site.reinstate(id);
    const again = await call(`${addressOf(order)}/attempts`, { token: staff, body: {} });

    expect([again.status, again.body.state]).toEqual([200, 'committing']);
    await ended(order, 'completed');
    expect((await read(order)).body.refusal).toBeUndefined();
    expect(await booksOf(member)).toEqual({ available: 9_000, reserved: 0, taken: 1_000, issued: 500 });
    ledger.letGrantsGo();
  });

  it('is asked again by an operator when its attempts are used up', async () => {
    const member = await aMember();
    await site.fail({ step: 'commit', kind: 'error', account: member.account, times: null });
    const order = anOrder(member);
    await place(order);
    await eventually(async () => (await stateOf(order)) === 'committing');
    // As if a day had passed.
    await eventually(async () => {
      const stuck = await admin.query(
        `update exchange.link_order set attempts = 400, next_attempt_at = case when attempts < 320 then now() else next_attempt_at end
         where link = $1 and next_attempt_at is not null`,
        [member.link],
      );
      return stuck.rowCount === 0;
    });
    const metrics = async () => (await call<{ text: string }>(`${service.url}/metrics`)).body.text;
    expect(await metrics()).toMatch(/points_exchange_link_orders_open\{.*state="waits-for-operator".*\} 1/);
    await site.clearFailures();

    const again = await call(`${addressOf(order)}/attempts`, { token: staff, body: {} });

    expect(again.status).toBe(200);
    await ended(order, 'completed');
    expect(await booksOf(member)).toEqual({ available: 9_000, reserved: 0, taken: 1_000, issued: 500 });
    expect((await call(`${addressOf(order)}/attempts`, { token: staff, body: {} })).body.code).toBe('not-waiting');
  });

  it('reserves for too short a time: nothing is exchanged', async () => {
    const hasty = await startPartnerSiteProcess('--lapse-seconds', '30');
    try {
      const at = programmeAt(trial);
      await setUpPartner(at, 'hasty', hasty, staff);
      const person = aPerson();
      await registerPerson(service.database, person);
      await linkAccount(at, 'hasty', hasty, person, 'hanako', staff);

      const { status, body } = await place(anOrder(person, { partner: 'hasty' }));

      expect([status, body.code, body.partnerCode]).toEqual([422, 'partner-refused', 'lapses-too-soon']);
      expect(await hasty.balance('hanako')).toEqual({ available: 100_000, reserved: 0, taken: 0 });
    } finally {
      await hasty.stop();
    }
  });
});
