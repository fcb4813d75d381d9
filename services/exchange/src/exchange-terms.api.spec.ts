import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { holderRegisteredV1, programmeChangedV1 } from '@points/contracts';
import { everyTenant, tenants } from '@points/database';
import { event, publish } from '@points/messaging';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import pg from 'pg';
import { exchange } from './exchange.js';
import { pruneQuotes } from './quote-orders/ask-quote.js';
import { closedProgramme, fakeLedger, type FakeLedger } from './testing/fake-ledger.js';

const utsunomiya = '092011';
const programme = `${utsunomiya}-points`;
const residents = Array.from({ length: 8 }, (_, index) => ({ holder: randomUUID(), myKeyId: `UTSUNO0${index}` }));
const [hanako] = residents as [(typeof residents)[number]];

let service: TestService;
let ledger: FakeLedger;
let staff: string;
let chief: string;
let card: string;

beforeAll(async () => {
  service = await testService(exchange);
  ledger = await fakeLedger(service.topicPrefix);
  const scopes = [
    'partners:write',
    'partners:read',
    'partners:approve',
    'exchange:write',
    'exchange:read',
    'exchange:on-behalf',
    'history:write',
  ];
  [staff, chief, card] = await Promise.all([
    service.token(scopes, [utsunomiya, '141305'], 'staff'),
    service.token(scopes, [utsunomiya], 'chief'),
    service.token(['exchange:write', 'exchange:read'], [utsunomiya], 'card-system'),
  ]);
  const registeredAt = new Date().toISOString();
  await service.database.transaction(everyTenant, (tx) =>
    publish(
      tx,
      residents.map((one) => event(holderRegisteredV1, { ...one, registeredAt })),
    ),
  );
  await eventually(async () => (await service.database.pool.query('select from holder_link')).rowCount === residents.length);
}, 60_000);

afterAll(async () => {
  await ledger?.close();
  await service?.close();
});

const at = (path: string, of = programme) => `${service.url}/v1/municipalities/${of.slice(0, 6)}/programmes/${of}/${path}`;
const send = (path: string, body: object, token = staff, of = programme) => call(at(path, of), { token, body });
const read = (path: string) => call(at(path), { token: staff });
const cardTerms = { name: 'Card', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 100, clients: ['card-system'] };
const newPartner = async (terms: object = {}, of = programme) => {
  const partner = `card-${randomUUID().slice(0, 8)}`;
  const { status } = await call(at(`partners/${partner}`, of), { method: 'PUT', token: staff, body: { ...cardTerms, ...terms } });
  expect(status).toBe(201);
  return partner;
};
const place = (partner: string, body: object = {}, of = programme) =>
  send('exchange-orders', { orderId: randomUUID(), myKeyId: hanako.myKeyId, partner, partnerPoints: 100, ...body }, staff, of);
const ask = (partner: string, body: object = {}, token = card) =>
  send('quotes', { partner, myKeyId: hanako.myKeyId, partnerPoints: 1_000, ...body }, token);
const propose = (partner: string, terms: object, more: object = {}) =>
  send(`partners/${partner}/changes`, { terms: { ...cardTerms, ...terms }, reason: 'letter of 1 November', ...more });
const decide = (partner: string, change: unknown, what: 'approvals' | 'withdrawals', token: string) =>
  send(`partners/${partner}/changes/${String(change)}/${what}`, { change }, token);
const changed = async (partner: string, terms: object) => decide(partner, (await propose(partner, terms)).body.change, 'approvals', chief);
const soon = () => new Date(Date.now() + 3_600_000).toISOString();
const aCampaign = (changes: object = {}) => ({
  name: 'Autumn',
  bonusRate: { numerator: 1, denominator: 10 },
  from: '2026-01-01T00:00:00+09:00',
  to: '2100-01-01T00:00:00+09:00',
  budget: 1_000,
  borneBy: 'municipality',
  ...changes,
});
const putCampaign = (id: string, body: object, token = staff, of = programme) =>
  call(at(`campaigns/${id}`, of), { method: 'PUT', token, body });
const runCampaign = async (partner: string, changes: object = {}) => {
  const id = `c-${randomUUID().slice(0, 8)}`;
  expect((await putCampaign(id, aCampaign({ partners: [partner], ...changes }))).status).toBe(201);
  expect((await approveCampaign(id, chief)).status).toBe(201);
  return id;
};
/** As it stands. */
const approveCampaign = async (id: string, token: string, of = programme) => {
  const { proposedAt } = (await call(at(`campaigns/${id}`, of), { token })).body;
  return send(`campaigns/${id}/approvals`, { campaign: id, proposedAt }, token, of);
};
const holderPoints = (of = hanako) => ledger.balance(of.holder).balance;

describe('a change of terms', () => {
  it('holds once a second person has approved it, for orders from then on', async () => {
    const partner = await newPartner();
    const before = await place(partner, { orderId: 'old' });
    const { body: change } = await propose(partner, { rate: { numerator: 2, denominator: 1 } });

    const own = await decide(partner, change.change, 'approvals', staff);
    const meanwhile = await place(partner);
    const approved = await decide(partner, change.change, 'approvals', chief);
    const after = await place(partner);
    const again = await decide(partner, change.change, 'approvals', chief);

    expect([own.status, own.body.code]).toEqual([403, 'same-person']);
    expect(approved.body).toMatchObject({ state: 'approved', version: 2, proposedBy: 'staff', decidedBy: 'chief' });
    expect([before, meanwhile, after].map(({ body }) => body.municipalPoints)).toEqual([100, 100, 200]);
    expect((await read(`partners/${partner}/exchange-orders/old`)).body.rate).toMatchObject({ version: 1, numerator: 1 });
    expect([again.status, again.body.code]).toEqual([409, 'already-decided']);
    expect((await read(`partners/${partner}/changes`)).body.changes).toEqual([approved.body]);
  });

  it('waits for its day', async () => {
    const partner = await newPartner();
    const holdsFrom = soon();
    const { body: change } = await propose(partner, { rate: { numerator: 2, denominator: 1 } }, { holdsFrom });

    await decide(partner, change.change, 'approvals', chief);

    expect((await place(partner)).body.municipalPoints).toBe(100);
    expect((await read(`partners/${partner}`)).body.rate).toMatchObject({ version: 1 });
    expect((await place(partner, { acceptedAt: holdsFrom })).body).toMatchObject({ municipalPoints: 200, rate: { version: 2 } });
  });

  it('cannot begin in the past, be decided twice, or take effect after it was taken back', async () => {
    const partner = await newPartner();

    const late = await propose(partner, {}, { holdsFrom: '2020-01-01T00:00:00Z' });
    const { body: change } = await propose(partner, { lotPartnerPoints: 500 });
    const withdrawn = await decide(partner, change.change, 'withdrawals', staff);
    const approved = await decide(partner, change.change, 'approvals', chief);
    const wrong = await send(`partners/${partner}/changes/${String(change.change)}/approvals`, { change: randomUUID() }, chief);

    expect([late.status, late.body.code]).toEqual([422, 'change-too-late']);
    expect(withdrawn.body.state).toBe('withdrawn');
    expect([approved.status, approved.body.code]).toEqual([409, 'already-decided']);
    expect(wrong.body.code).toBe('invalid-request');
    expect((await propose('nobody', {})).body.code).toBe('unknown-partner');
    expect((await propose(partner, { minPartnerPoints: 2, maxPartnerPoints: 1 })).body.errors).toContainEqual(
      expect.objectContaining({ field: 'maxPartnerPoints' }),
    );
  });
});

describe('caps', () => {
  it('hold for one person and for all, and give back what comes to nothing', async () => {
    const caps = [
      { of: 'holder', per: 'day', points: 300 },
      { of: 'partner', per: 'day', points: 500 },
    ];
    const partner = await newPartner({ caps });
    const [, taro] = residents;

    const answers = [
      await place(partner, { partnerPoints: 300 }),
      await place(partner, { partnerPoints: 100 }),
      await place(partner, { partnerPoints: 200, myKeyId: taro?.myKeyId }),
      await place(partner, { partnerPoints: 100, myKeyId: taro?.myKeyId }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([201, 422, 201, 422]);
    expect(answers[1]?.body).toMatchObject({ code: 'cap-exceeded', of: 'holder', used: 300, asked: 100 });
    expect(answers[3]?.body).toMatchObject({ code: 'cap-exceeded', of: 'partner', used: 500 });
    const closed = await newPartner({ caps }, closedProgramme);
    const refused = [
      await place(closed, { partnerPoints: 300 }, closedProgramme),
      await place(closed, { partnerPoints: 300 }, closedProgramme),
    ];
    expect(refused.map(({ body }) => body.code)).toEqual(['outside-period', 'outside-period']);
  });

  it('are exact when many orders come at the same time', async () => {
    const partner = await newPartner({ caps: [{ of: 'partner', per: 'day', points: 1_000 }] });

    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) => place(partner, { myKeyId: residents[index % residents.length]?.myKeyId })),
    );

    // Placed, whether the ledger has answered by the deadline (201) or not (202).
    expect(answers.filter(({ status }) => status === 201 || status === 202)).toHaveLength(10);
    expect(answers.filter(({ body }) => body.code === 'cap-exceeded')).toHaveLength(54);
  });
});

describe('a campaign', () => {
  it('adds its bonus to orders once approved, as points of their own', async () => {
    const partner = await newPartner();
    const id = await runCampaign(partner);
    const before = holderPoints();

    const { body } = await place(partner, { orderId: `with-${id}`, partnerPoints: 500 });

    expect(body).toMatchObject({ municipalPoints: 500, bonus: { campaign: id, points: 50, borneBy: 'municipality' } });
    await eventually(async () => {
      const { body: now } = await read(`partners/${partner}/exchange-orders/with-${id}`);
      return (now.bonus as { state: string }).state === 'posted';
    });
    expect(holderPoints()).toBe(before + 550);
    expect(ledger.asked.at(-1)).toMatchObject({ instruction: { kind: 'issue', amount: 50, source: `campaign:${id}`, funding: 'free' } });
    expect((await read(`campaigns/${id}`)).body).toMatchObject({ state: 'approved', used: 50, approvedBy: 'chief' });
  });

  it('stops exactly at its budget under 64 callers', async () => {
    const partner = await newPartner();
    const id = await runCampaign(partner, { budget: 95, borneBy: 'partner' });

    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) => place(partner, { myKeyId: residents[index % residents.length]?.myKeyId })),
    );

    expect(answers.every(({ status }) => status === 201 || status === 202)).toBe(true);
    const given = answers.flatMap(({ body }) => (body.bonus as { points: number } | undefined)?.points ?? []);
    expect(given.sort()).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5]);
    expect((await read(`campaigns/${id}`)).body.used).toBe(95);
    await eventually(() => {
      const issued = ledger.asked.filter(({ instruction }) => instruction.kind === 'issue' && instruction.source === `campaign:${id}`);
      return Promise.resolve(
        issued.reduce((sum, { instruction }) => sum + (instruction.kind === 'issue' ? instruction.amount : 0), 0) === 95,
      );
    });
  });

  it('needs a second person, does not change afterwards, and can be stopped', async () => {
    const partner = await newPartner();
    const id = `c-${randomUUID().slice(0, 8)}`;
    const body = aCampaign({ partners: [partner] });

    const statuses = [
      await putCampaign(id, body),
      await putCampaign(id, body),
      await putCampaign(id, { ...body, budget: 2_000 }),
      await approveCampaign(id, staff),
      await approveCampaign(id, chief),
      await putCampaign(id, { ...body, budget: 3_000 }),
      await putCampaign(id, { ...body, budget: 2_000 }),
      await send(`campaigns/${id}/stops`, { campaign: id }),
      await send(`campaigns/${id}/stops`, { campaign: id }),
    ].map(({ status, body: { code } }) => [status, code]);

    expect(statuses).toEqual([
      [201, undefined],
      [200, undefined],
      [200, undefined],
      [403, 'same-person'],
      [201, undefined],
      [409, 'campaign-decided'],
      [200, undefined],
      [201, undefined],
      [409, 'already-decided'],
    ]);
    expect((await place(partner)).body.bonus).toBeUndefined();
  });

  it('is not approved as it is when it was replaced since the second person has read it', async () => {
    const partner = await newPartner();
    const id = `c-${randomUUID().slice(0, 8)}`;
    const seen = (await putCampaign(id, aCampaign({ partners: [partner] }))).body.proposedAt;
    await putCampaign(id, aCampaign({ partners: [partner], budget: 1_000_000 }));

    const { status, body } = await send(`campaigns/${id}/approvals`, { campaign: id, proposedAt: seen }, chief);

    expect([status, body.code]).toEqual([409, 'campaign-replaced']);
    expect((await read(`campaigns/${id}`)).body.state).toBe('waiting');
    expect((await approveCampaign(id, chief)).body).toMatchObject({ state: 'approved', budget: 1_000_000 });
  });

  it.each([
    [{ bonusPoints: 5 }, 'bonusRate'],
    [{ bonusRate: undefined }, 'bonusRate'],
    [{ to: '2025-01-01T00:00:00Z' }, 'to'],
    [{ budget: 0 }, 'budget'],
    [{ borneBy: 'nobody' }, 'borneBy'],
  ])('is not proposed with %j', async (changes, field) => {
    const { status, body } = await putCampaign('wrong', aCampaign(changes));

    expect([status, body.code]).toEqual([422, 'invalid-request']);
    expect((body.errors as { field: string }[]).map((one) => one.field)).toContain(field);
  });

  it('gives its budget back when the order is refused', async () => {
    const partner = await newPartner({}, closedProgramme);
    const id = `c-${randomUUID().slice(0, 8)}`;
    const other = await service.token(['partners:approve', 'partners:read'], ['141305'], 'other');
    await putCampaign(id, aCampaign({ partners: [partner] }), staff, closedProgramme);
    await approveCampaign(id, other, closedProgramme);

    const { body } = await place(partner, { orderId: 'refused' }, closedProgramme);

    expect(body.code).toBe('outside-period');
    expect((await call(at(`campaigns/${id}`, closedProgramme), { token: other })).body.used).toBe(0);
    const order = await call(at(`partners/${partner}/exchange-orders/refused`, closedProgramme), { token: staff });
    expect(order.body).toMatchObject({ state: 'refused', bonus: { state: 'void' } });
  });
});

describe('a quote', () => {
  it('says all of it before the resident commits, and the order keeps it though the rate has changed', async () => {
    const partner = await newPartner();
    const { status, body: quoted } = await ask(partner, { partnerPoints: 1_050 });
    await changed(partner, { rate: { numerator: 1, denominator: 2 } });

    const { body } = await place(partner, { quote: quoted.quote, partnerPoints: quoted.partnerPoints });

    expect(status).toBe(201);
    expect(quoted).toMatchObject({ partner, partnerPoints: 1_000, leftPartnerPoints: 50, municipalPoints: 1_000, rate: { version: 1 } });
    expect(Date.parse(String(quoted.validUntil)) - Date.parse(String(quoted.quotedAt))).toBe(600_000);
    expect(body).toMatchObject({ state: 'completed', municipalPoints: 1_000, quote: quoted.quote, rate: { version: 1 } });
    expect((await place(partner, { partnerPoints: 1_000 })).body.municipalPoints).toBe(500);
  });

  it('says how long the points will live and where they can be used, by the newest that the ledger has told', async () => {
    const partner = await newPartner();
    const told = (changedAt: string, days: number) =>
      event(programmeChangedV1, {
        ...{ municipality: utsunomiya, programme, name: 'うつのみや自治体ポイント', firstDay: '2017-09-25', changedAt },
        versions: [{ version: 1, validFrom: '2017-09-25', expiry: { kind: 'days-after-grant', days }, usableAt: ['mailorder:092011'] }],
      });
    // The outbox of any service may tell it: what counts is what arrives.
    await service.database.transaction(tenants(utsunomiya), (tx) =>
      publish(tx, [told('2026-11-01T00:00:00.000Z', 100), told('2026-10-01T00:00:00.000Z', 5)]),
    );

    const lastDay = new Date(Date.now() + 9 * 3_600_000 + 100 * 86_400_000).toISOString().slice(0, 10);
    await eventually(async () => {
      const { body } = await ask(partner);
      return isDeepStrictEqual(body.points, {
        name: 'うつのみや自治体ポイント',
        lastDay,
        isRenewedByUse: false,
        usableAt: ['mailorder:092011'],
      });
    });
  });

  it('is for one order, one person, one amount and ten minutes', async () => {
    const partner = await newPartner();
    const [used, other, over] = [await ask(partner), await ask(partner), await ask(partner)].map(({ body }) => body.quote as string);
    await place(partner, { quote: used, partnerPoints: 1_000 });

    const later = new Date(Date.now() + 600_000).toISOString();
    const answers = [
      await place(partner, { quote: used, partnerPoints: 1_000 }),
      await place(partner, { quote: other, partnerPoints: 900 }),
      await place(partner, { quote: other, partnerPoints: 1_000, myKeyId: residents[1]?.myKeyId }),
      await place(partner, { quote: over, partnerPoints: 1_000, acceptedAt: later }),
      await place(partner, { quote: randomUUID(), partnerPoints: 1_000 }),
    ];

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [409, 'quote-used'],
      [422, 'quote-differs'],
      [422, 'quote-differs'],
      [422, 'quote-expired'],
      [422, 'unknown-quote'],
    ]);
  });

  it('lets one of many orders at the same time have it', async () => {
    const partner = await newPartner();
    const { body } = await ask(partner);

    const answers = await Promise.all(Array.from({ length: 10 }, () => place(partner, { quote: body.quote, partnerPoints: 1_000 })));

    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });

  it('promises a bonus that the order gives, or refuses when it is gone', async () => {
    const partner = await newPartner();
    await runCampaign(partner, { budget: 100 });
    const [first, second] = [await ask(partner), await ask(partner)].map(({ body }) => body);
    expect(first?.bonus).toMatchObject({ points: 100 });

    const taken = await place(partner, { quote: first?.quote, partnerPoints: 1_000 });
    const gone = await place(partner, { quote: second?.quote, partnerPoints: 1_000 });

    expect(taken.body.bonus).toMatchObject({ points: 100 });
    expect([gone.status, gone.body.code, gone.body.quoted]).toEqual([422, 'bonus-gone', 100]);
  });

  it('is given to the partner’s own clients, for known residents and whole lots', async () => {
    const partner = await newPartner();
    const stranger = await service.token(['exchange:write'], [utsunomiya], 'stranger');

    const codes = [
      await ask(partner, {}, stranger),
      await ask(partner, { partnerPoints: 99 }),
      await ask(partner, { myKeyId: 'ZZZZZZZZ' }),
      await ask('nobody'),
    ].map(({ body }) => body.code);

    expect(codes).toEqual(['client-not-of-partner', 'not-whole-lots', 'unknown-my-key-id', 'unknown-partner']);
  });

  it('is forgotten a day after its end', async () => {
    const partner = await newPartner();
    const { body } = await ask(partner);
    const { body: kept } = await ask(partner);
    const admin = new pg.Client({ connectionString: service.fresh.adminUrl });
    await admin.connect();
    await admin
      .query(`update exchange.quote set valid_until = now() - interval '25 hours' where id = $1`, [body.quote])
      .finally(() => admin.end());

    await service.database.transaction(everyTenant, pruneQuotes);

    const left = await service.database.transaction(tenants(utsunomiya), (tx) =>
      tx.query<{ id: string }>('select id from quote where id = any ($1::uuid[])', [[body.quote, kept.quote]]),
    );
    expect(left.map(({ id }) => id)).toEqual([kept.quote]);
  });
});
