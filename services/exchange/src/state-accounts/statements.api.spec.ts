import { randomUUID } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant } from '@points/database';
import { event, publish } from '@points/messaging';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { exchange } from '../exchange.js';
import { listBytesMax } from '../reconcile-partners/take-lists.js';
import { fakeLedger, type FakeLedger } from '../testing/fake-ledger.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const hanako = { holder: randomUUID(), myKeyId: 'WH7KTXH4' };

let service: TestService;
let ledger: FakeLedger;
/** Sets up and corrects; closes; the partner's own system. */
let staff: string;
let chief: string;
let card: string;

beforeAll(async () => {
  service = await testService(exchange);
  ledger = await fakeLedger(service.topicPrefix);
  [staff, chief, card] = await Promise.all([
    service.token(
      [
        ...['partners:write', 'partners:read', 'exchange:write', 'exchange:read', 'exchange:on-behalf', 'exchange:reverse-late'],
        ...['history:write', 'statements:read', 'statements:write'],
      ],
      [kawasaki],
      'staff',
    ),
    service.token(['statements:close', 'partners:approve'], [kawasaki], 'chief'),
    service.token(['exchange:read', 'statements:read'], [kawasaki], 'card-system'),
  ]);
  await service.database.transaction(everyTenant, (tx) =>
    publish(tx, [event(holderRegisteredV1, { ...hanako, registeredAt: new Date().toISOString() })]),
  );
  await eventually(async () => (await service.database.pool.query('select from holder_link')).rowCount === 1);
  await put('invoice-issuer', { name: '川崎市', kind: 'corporation', registrationNumber: 'T7000020141305', address: '川崎区宮本町1' });
}, 60_000);

afterAll(async () => {
  await ledger?.close();
  await service?.close();
});

const at = (path: string) => `${service.url}/v1/municipalities/${kawasaki}/programmes/${programme}/${path}`;
const put = (path: string, body: object) => call(at(path), { method: 'PUT', token: staff, body });
const post = (path: string, body: object, token = staff) => call(at(path), { token, body });
const read = (path: string, token = staff) => call(at(path), { token });
const terms = {
  name: 'Card',
  rate: { numerator: 2, denominator: 3 },
  lotPartnerPoints: 1,
  clients: ['card-system'],
  yenPerPoint: { numerator: 99, denominator: 100 },
  fees: [
    { name: '手数料', per: 'order', yen: { numerator: 33, denominator: 2 }, taxCategory: 'standard' },
    { name: '紙', per: 'order', yen: { numerator: 9, denominator: 1 }, taxCategory: 'reduced' },
  ],
};
const newPartner = async () => {
  const partner = `card-${randomUUID().slice(0, 8)}`;
  expect((await put(`partners/${partner}`, terms)).status).toBe(201);
  return partner;
};
/** A month of the past, so that it can be closed: three orders of 100 points at 2/3, one of which is taken back. */
const aMonth = async () => {
  const partner = await newPartner();
  for (const [index, day] of ['01', '02', '03'].entries()) {
    const order = {
      orderId: `O-${index + 1}`,
      partner,
      myKeyId: hanako.myKeyId,
      partnerPoints: 100,
      acceptedAt: `2018-01-${day}T09:00:00+09:00`,
    };
    expect((await post('exchange-orders', order)).status).toBe(201);
  }
  const reversal = { reason: 'mistake', reversedAt: '2018-01-04T09:00:00+09:00' };
  expect((await post(`partners/${partner}/exchange-orders/O-2/reversals`, reversal)).status).toBe(201);
  return partner;
};

describe('the account of a partner', () => {
  it('is stated by month, drilled down to its lines, closed for good and invoiced', async () => {
    const partner = await aMonth();
    const statement = `partners/${partner}/statements/2018-01`;

    const open = await read(statement, card);
    expect(open.body).toMatchObject({
      state: 'open',
      // 132 × 0.99 = 130.68
      versions: [
        { partnerPoints: 200, exchangedPoints: 132, rest: { rest: 4, over: 3 }, due: { whole: 130, rest: 68, over: 100 }, dueYen: 130 },
      ],
      fees: [
        { name: '手数料', quantity: 3, due: { whole: 49, rest: 1, over: 2 }, dueYen: 49 },
        { name: '紙', quantity: 3, dueYen: 27 },
      ],
      net: { pointsYen: 130, correctionsYen: 0, feesYen: 76, totalYen: 206 },
    });
    const { body: first } = await call<{ lines: object[]; next: string }>(at(`${statement}/lines?limit=3`), { token: card });
    const { body: rest } = await call<{ lines: object[] }>(at(`${statement}/lines?limit=3&after=${first.next}`), { token: card });
    expect([...first.lines, ...rest.lines]).toMatchObject([
      { kind: 'order', orderId: 'O-1', partnerPoints: 100, municipalPoints: 66, rest: 2 },
      { kind: 'order', orderId: 'O-2' },
      { kind: 'order', orderId: 'O-3' },
      { kind: 'order-reversal', orderId: 'O-2', partnerPoints: -100, municipalPoints: -66, cause: 'mistake', owed: 0 },
    ]);
    const { body: csv } = await call<{ text: string }>(at(`${statement}/lines?figure=order-reversals&format=csv`), { token: card });
    expect(csv.text.trim().split('\r\n')).toHaveLength(2);

    expect((await post(`${statement}/invoice`, { month: '2018-01' })).body.code).toBe('statement-open');
    const closed = await post(`${statement}/close`, { reason: 'agreed' }, chief);
    const again = await post(`${statement}/close`, { reason: 'agreed' }, chief);
    expect([closed.status, again.status, again.body.state]).toEqual([201, 200, 'closed']);
    expect(closed.body).toMatchObject({ net: open.body.net, closedBy: 'chief', reason: 'agreed' });

    expect((await post(`${statement}/invoice`, { month: '2018-01' })).body.code).toBe('unknown-recipient');
    await put(`partners/${partner}/invoice-recipient`, {
      name: 'カード株式会社',
      kind: 'corporation',
      registrationNumber: 'T7123456789012',
    });
    const invoice = await post(`${statement}/invoice`, { month: '2018-01' });
    expect(invoice.status).toBe(201);
    expect(invoice.body).toMatchObject({
      number: expect.stringMatching(`^${programme}-\\d{6}$`) as string,
      kind: 'invoice',
      isQualified: true,
      issuer: { name: '川崎市', registrationNumber: 'T7000020141305' },
      lines: [
        { what: 'exchanged-points', quantity: 132, yen: 130, taxCategory: 'outside' },
        { what: 'fee', yen: 49, taxCategory: 'standard' },
        { what: 'fee', yen: 27, taxCategory: 'reduced' },
      ],
      taxes: [
        { taxCategory: 'standard', percent: 10, taxableYen: 49, taxYen: 4 },
        { taxCategory: 'reduced', percent: 8, taxableYen: 27, taxYen: 2 },
        { taxCategory: 'outside', percent: 0, taxableYen: 130, taxYen: 0 },
      ],
      taxYen: 6,
      totalYen: 212,
    });
    await put(`partners/${partner}/invoice-recipient`, { name: 'Other', kind: 'sole-trader', registrationNumber: 'T0000000000001' });
    const repeated = await post(`${statement}/invoice`, { month: '2018-01' });
    expect([repeated.status, repeated.body]).toEqual([200, invoice.body]);
    expect((await read(`${statement}/invoice`, card)).body).toEqual(invoice.body);
  });

  it('that is closed is corrected by a line with its cause in the month that runs, by another person than closes it', async () => {
    const partner = await aMonth();
    await post(`partners/${partner}/statements/2018-01/close`, { reason: 'agreed' }, chief);
    const month = new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 7);

    const made = await post(`partners/${partner}/corrections`, { yen: -50, cause: 'letter of 1 February', orderId: 'O-1' });
    const late = { orderId: 'O-4', partner, myKeyId: hanako.myKeyId, partnerPoints: 100, acceptedAt: '2018-01-05T09:00:00+09:00' };
    await post('exchange-orders', late);

    expect(made).toMatchObject({ status: 201, body: { yen: -50, madeBy: 'staff' } });
    expect((await read(`partners/${partner}/statements/2018-01`)).body).toMatchObject({ versions: [{ exchangedPoints: 132 }] });
    expect((await read(`partners/${partner}/statements/2018-02/lines?late=true`)).body).toMatchObject({
      lines: [{ orderId: 'O-4', lateOf: '2018-01' }],
    });
    expect((await read(`partners/${partner}/statements/${month}/lines`)).body).toMatchObject({
      lines: [{ kind: 'correction', yen: -50, cause: 'letter of 1 February', orderId: 'O-1' }],
    });
    expect((await post(`partners/${partner}/corrections`, { yen: 0, cause: 'x' })).status).toBe(422);
    expect((await post(`partners/${partner}/corrections`, { yen: 1, cause: 'x', orderId: 'none' })).body.code).toBe('unknown-order');
  });

  it('is not shown to another partner, and not closed while it runs', async () => {
    const [partner, month] = [await newPartner(), new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 7)];
    const other = await service.token(['statements:read'], [kawasaki], 'other-system');
    await put(`partners/other-${partner}`, { ...terms, clients: ['other-system'] });

    for (const what of ['', '/lines', '/invoice'])
      expect((await read(`partners/${partner}/statements/2018-01${what}`, other)).body.code).toBe('unknown-partner');
    expect((await post(`partners/${partner}/statements/${month}/close`, { reason: 'x' }, chief)).body.code).toBe('month-not-over');
    expect((await post(`partners/nobody/statements/2018-01/close`, { reason: 'x' }, chief)).body.code).toBe('unknown-partner');
    expect((await read(`partners/${partner}/statements/2018-13`)).status).toBe(404);
  });
});

describe('a party of invoices', () => {
  it.each([
    [{ kind: 'corporation', registrationNumber: 'T6123456789012' }, 'has a wrong check digit'],
    [{ kind: 'corporation', registrationNumber: '7123456789012' }, 'must be T and 13 digits'],
  ])('with %j is refused', async (changes, reason) => {
    const { status, body } = await put('invoice-issuer', { name: 'X', ...changes });

    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [{ field: 'registrationNumber', reason: expect.stringContaining(reason) as string }] });
  });

  it('is read back, with the rounding and the rates of tax that hold unless it says others', async () => {
    expect((await read('invoice-issuer')).body).toMatchObject({
      name: '川崎市',
      rounding: 'down',
      taxPercents: { standard: 10, reduced: 8 },
    });
  });
});

describe('the partner’s own file', () => {
  const compare = (partner: string, list: string, { token = card, type = 'text/csv', query = '' } = {}) =>
    fetch(at(`partners/${partner}/reconciliations?from=2018-01-01&to=2018-01-31${query}`), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: list,
    });

  it('is compared line by line; nothing is stored or set right', async () => {
    const partner = await aMonth();
    const list = [
      'orderId,partnerPoints,municipalPoints,date,kind',
      'O-1,100,66,2018-01-01,order',
      'O-2,100,67,2018-01-02,order',
      'O-9,100,66,2018-01-02,order',
      'O-2,100,66,2018-01-04,reversal',
      'O-1,100,66,2018-01-04,reversal',
    ].join('\n');
    const before = (await read(`partners/${partner}/statements/2018-01`)).body;

    const response = await compare(partner, list);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      there: { lines: 5, partnerPoints: 500, municipalPoints: 331 },
      here: { lines: 4, partnerPoints: 400, municipalPoints: 264 },
      matched: { lines: 2, partnerPoints: 200, municipalPoints: 132 },
      missingHere: [
        expect.objectContaining({ line: 4, orderId: 'O-9', reason: 'there is no order with this id' }),
        expect.objectContaining({ line: 6, orderId: 'O-1', reason: 'the order is completed: it was not taken back' }),
      ],
      missingThere: [{ orderId: 'O-3', kind: 'order', partnerPoints: 100, municipalPoints: 66, bookedAt: '2018-01-03T00:00:00.000Z' }],
      different: [expect.objectContaining({ reasons: ['municipalPoints: there 67, here 66'] })],
    });
    const csv = await (await compare(partner, list, { query: '&format=csv' })).text();
    expect(csv.trim().split('\r\n')).toHaveLength(5);
    expect((await read(`partners/${partner}/statements/2018-01`)).body).toEqual(before);
  });

  it('is refused whole, by line and field, where it cannot be read', async () => {
    const partner = await newPartner();

    const bad = await compare(partner, 'orderId,partnerPoints\nA,1\nB,many\n');
    expect(bad.status).toBe(422);
    expect(await bad.json()).toMatchObject({ code: 'malformed-list', errors: [{ line: 3, field: 'partnerPoints' }] });
    expect((await compare(partner, '{}', { type: 'application/json' })).status).toBe(415);
    expect((await compare(partner, 'x'.repeat(listBytesMax + 1))).status).toBe(413);
    expect((await compare('nobody', 'orderId,partnerPoints\n')).status).toBe(404);
    expect((await compare(partner, 'orderId,partnerPoints\n', { query: '&toleranceDays=8' })).status).toBe(422);
  });
});
