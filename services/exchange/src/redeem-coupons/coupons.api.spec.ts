import { randomBytes, randomUUID } from 'node:crypto';
import { everyTenant } from '@points/database';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import pg from 'pg';
import { wrongCodesPerHourMax } from '../rules/coupon.js';
import { exchangeStory, type ExchangeStory } from '../testing/exchange-story.js';
import { closedProgramme } from '../testing/fake-ledger.js';
import { toldPartner } from '../testing/told-partner.js';
import { pruneGuesses } from './redeem-coupon.js';

const programme = '092011-points';
const couponKey = randomBytes(32).toString('base64url');
let story: ExchangeStory;
let portal: string;

beforeAll(async () => {
  story = await exchangeStory(programme, ['coupons:redeem'], { COUPON_KEY: couponKey });
  portal = await story.service.token(['coupons:redeem'], ['092011', '141305'], 'portal');
}, 60_000);
afterAll(() => story?.close());

const newCode = () => randomBytes(8).toString('hex').toUpperCase();
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();
const aBatch = async (terms: object = {}, changes: object = {}) => {
  const partner = await story.newPartner({ kind: 'coupon-code', ...terms });
  const path = `partners/${partner}/coupon-batches/spring`;
  expect((await story.put(path, { name: 'Spring', expiresAt: tomorrow(), ...changes }, story.partner)).status).toBe(201);
  return { partner, path };
};
const coupons = (count: number, partnerPoints = 500) =>
  Array.from({ length: count }, (_, index) => ({ serial: `S${String(index).padStart(4, '0')}`, code: newCode(), partnerPoints }));
const add = (path: string, entries: object, token = story.partner) => story.send(`${path}/coupons`, { coupons: entries }, token);
const redeem = (code: string, who = 0, options: { key?: string } = {}) =>
  call(story.at('coupon-redemptions'), { token: portal, body: { code, myKeyId: story.residents[who]?.myKeyId }, ...options });
const batchOf = async (count: number) => {
  const { partner, path } = await aBatch();
  const entries = coupons(count);
  expect((await add(path, entries)).body).toEqual({ added: count, known: 0 });
  return { partner, path, entries, first: entries[0]?.code ?? '' };
};
const countsOf = async (path: string) =>
  Object.fromEntries(
    ((await story.read(path)).body.counts as { state: string; codes: number }[]).map(({ state, codes }) => [state, codes]),
  );

describe('a batch of coupon codes', () => {
  it('takes codes, the same ones again without harm, and keeps none of them readable', async () => {
    const { path, entries } = await batchOf(3);

    const again = await add(path, entries);

    expect(again.body).toEqual({ added: 0, known: 3 });
    const admin = new pg.Client({ connectionString: story.service.fresh.adminUrl });
    await admin.connect();
    const { rows } = await admin.query<{ row: string }>('select c::text as row from exchange.coupon c').finally(() => admin.end());
    for (const { code } of entries)
      expect(rows.some(({ row }) => row.includes(code) || row.includes(Buffer.from(code).toString('hex')))).toBe(false);
  });

  it('takes all codes of a request or none, and names the wrong ones', async () => {
    const { path, entries } = await batchOf(2);
    const [good, other] = coupons(2);

    const { status, body } = await add(path, [
      { ...good, serial: 'new' },
      { ...other, serial: 'short', code: 'ABC-DEF-GHI!' },
      { ...other, serial: 'new' },
      { ...other, serial: 'odd', code: newCode(), partnerPoints: 150 },
    ]);
    const taken = await add(path, [{ serial: 'fresh', code: entries[0]?.code, partnerPoints: 500 }]);

    expect([status, body.code]).toEqual([422, 'invalid-request']);
    expect((body.errors as { field: string }[]).map(({ field }) => field)).toEqual([
      'coupons.1.code',
      'coupons.2.serial',
      'coupons.3.partnerPoints',
    ]);
    expect(taken.body.errors).toEqual([{ field: 'coupons.0', reason: 'its serial or its code is taken by another coupon' }]);
    expect(await countsOf(path)).toMatchObject({ unused: 2 });
  });

  it('belongs to its partner, who has to be of the kind', async () => {
    const { partner, path } = await aBatch();
    const stranger = await story.service.token(['exchange:write', 'exchange:read'], ['092011'], 'stranger');
    const direct = await story.newPartner();

    expect((await add(path, coupons(1), stranger)).body.code).toBe('client-not-of-partner');
    expect((await story.read(path, stranger)).body.code).toBe('client-not-of-partner');
    expect((await story.put(`partners/${direct}/coupon-batches/x`, { name: 'x', expiresAt: tomorrow() })).body.code).toBe('wrong-channel');
    expect((await story.read(`partners/${partner}/coupon-batches/none`)).body.code).toBe('unknown-batch');
    const order = { orderId: randomUUID(), myKeyId: story.residents[0]?.myKeyId, partner, partnerPoints: 100 };
    expect((await story.send('exchange-orders', order)).body).toMatchObject({ code: 'wrong-channel', kind: 'coupon-code' });
  });

  it('ends later if the partner wishes, never earlier', async () => {
    const { path } = await aBatch();
    const later = new Date(Date.now() + 9 * 86_400_000).toISOString();

    const statuses = [
      await story.put(path, { name: 'Spring', expiresAt: later }),
      await story.put(path, { name: 'Spring', expiresAt: tomorrow() }),
    ].map(({ status, body }) => [status, body.code]);

    expect(statuses).toEqual([
      [200, undefined],
      [422, 'invalid-request'],
    ]);
  });

  it('shows by serial what is still out, page by page', async () => {
    const { path, first } = await batchOf(3);
    await redeem(first);

    const unused = await story.read(`${path}/coupons?state=unused&limit=1`, story.partner);
    const next = await story.read(`${path}/coupons?state=unused&limit=5&after=${String(unused.body.next)}`, story.partner);

    expect(unused.body).toMatchObject({ coupons: [{ serial: 'S0001', state: 'unused', partnerPoints: 500 }], next: 'S0001' });
    expect(next.body).toEqual({ coupons: [{ serial: 'S0002', state: 'unused', partnerPoints: 500 }] });
    expect(await countsOf(path)).toEqual({ unused: 2, redeemed: 1, expired: 0, void: 0 });
  });
});

describe('a coupon code', () => {
  it('becomes one order, however it is typed and however often it is sent', async () => {
    const { partner, first } = await batchOf(1);
    const before = story.ledger.balance(story.residents[0]?.holder ?? '').balance;

    const redeemed = await redeem(first.toLowerCase().replace(/(.{4})/g, '$1-'));
    const again = await redeem(first);
    const other = await redeem(first, 1);

    expect([redeemed.status, again.status]).toEqual([201, 200]);
    expect(redeemed.body).toMatchObject({ state: 'completed', partner, channel: 'coupon', partnerPoints: 500, municipalPoints: 500 });
    expect(again.body).toEqual(redeemed.body);
    expect([other.status, other.body.code]).toEqual([422, 'code-used']);
    expect(story.ledger.balance(story.residents[0]?.holder ?? '').balance).toBe(before + 500);
  });

  it('is told to its partner by batch and serial when it is redeemed, never by the code', async () => {
    const { partner, entries, first } = await batchOf(2);

    const { body } = await redeem(first);

    const told = await toldPartner(story.service, partner, 'coupon.redeemed');
    expect(told).toEqual([
      {
        ...{ programme, partner, batch: 'spring', serial: entries[0]?.serial, orderId: body.orderId, channel: 'coupon' },
        ...{ partnerPoints: 500, municipalPoints: 500, bookedAt: body.bookedAt, posting: body.posting },
      },
    ]);
    expect(JSON.stringify(told)).not.toContain(first);
    expect(await toldPartner(story.service, partner, 'exchange-order.completed')).toHaveLength(1);
  });

  it('is redeemed once by many at the same time', async () => {
    const { first } = await batchOf(1);

    const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => redeem(first, index % 4)));

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'code-used')).toHaveLength(12);
  });

  it('is not redeemed when its batch is over or withdrawn, and what was redeemed before stays', async () => {
    const { path, entries, first } = await batchOf(2);
    await redeem(first);

    const withdrawn = await story.send(`${path}/voids`, { reason: 'printed twice' }, story.partner);

    expect(withdrawn.body).toMatchObject({ voidReason: 'printed twice', voidedBy: 'partner-system' });
    expect((await redeem(entries[1]?.code ?? '')).body.code).toBe('code-void');
    expect((await redeem(first)).status).toBe(200);
    expect((await add(path, coupons(1))).body.code).toBe('batch-void');
    expect((await story.send(`${path}/voids`, { reason: 'again' })).body.code).toBe('batch-void');
    expect(await countsOf(path)).toEqual({ unused: 0, redeemed: 1, expired: 0, void: 1 });
    const over = await batchOf(1);
    const admin = new pg.Client({ connectionString: story.service.fresh.adminUrl });
    await admin.connect();
    await admin.query(`update exchange.coupon_batch set expires_at = now() where partner = $1`, [over.partner]).finally(() => admin.end());
    expect((await redeem(over.first)).body.code).toBe('code-expired');
  });

  it('keeps its points when the terms refuse the order, and can be redeemed later', async () => {
    const { path } = await aBatch({ caps: [{ of: 'holder', per: 'day', points: 600 }] });
    const [one, two] = coupons(2);
    await add(
      path,
      [one, two].map((entry, index) => ({ ...entry, serial: `s${index}` })),
    );
    await redeem(one?.code ?? '', 2);

    const capped = await redeem(two?.code ?? '', 2);

    expect([capped.status, capped.body.code]).toEqual([422, 'cap-exceeded']);
    expect((await redeem(two?.code ?? '', 3)).status).toBe(201);
  });

  it('can be redeemed again when the ledger has refused its order', async () => {
    const scopes = ['partners:write', 'exchange:write', 'exchange:on-behalf', 'exchange:read'];
    const staff = await story.service.token(scopes, ['141305'], 'staff');
    const at = (path: string) => story.at(path, closedProgramme);
    const terms = { kind: 'coupon-code', name: 'x', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 100 };
    await call(at('partners/cc'), { method: 'PUT', token: staff, body: terms });
    await call(at('partners/cc/coupon-batches/b'), { method: 'PUT', token: staff, body: { name: 'b', expiresAt: tomorrow() } });
    const [entry] = coupons(1);
    await call(at('partners/cc/coupon-batches/b/coupons'), { token: staff, body: { coupons: [entry] } });
    const redeemClosed = () =>
      call(at('coupon-redemptions'), { token: portal, body: { code: entry?.code, myKeyId: story.residents[0]?.myKeyId } });

    const first = await redeemClosed();
    const second = await redeemClosed();

    expect([first.body.code, second.body.code]).toEqual(['outside-period', 'outside-period']);
    expect(first.body.orderId).not.toBe(second.body.orderId);
    await eventually(async () => {
      const { body } = await call(at('partners/cc/coupon-batches/b/coupons?state=unused'), { token: staff });
      return (body.coupons as unknown[]).length === 1;
    });
  });

  it('is not found by guessing: after ten wrong ones a person has to wait, also with the right one', async () => {
    const { first } = await batchOf(1);
    const key = randomUUID();
    const guesser = 3;

    const wrong = await redeem(newCode(), guesser, { key });
    const sameRequest = await redeem(newCode(), guesser, { key });
    for (let count = 1; count < wrongCodesPerHourMax; count++) await redeem(newCode(), guesser);
    const blocked = await redeem(first, guesser);

    expect(wrong.body).toMatchObject({ status: 422, code: 'code-unknown', triesLeft: wrongCodesPerHourMax - 1 });
    expect(sameRequest.body.code).toBe('idempotency-key-reused');
    expect([blocked.status, blocked.body.code]).toEqual([429, 'too-many-wrong-codes']);
    expect((await redeem(first, 2)).status).toBe(201);
    const { body } = await call<{ text: string }>(`${story.service.url}/metrics`);
    expect(body.text).toMatch(new RegExp(`points_exchange_wrong_coupon_codes_total\\{programme="${programme}"[^}]*\\} \\d`));
    const admin = new pg.Client({ connectionString: story.service.fresh.adminUrl });
    await admin.connect();
    await admin.query(`update exchange.coupon_guess set hour = hour - interval '25 hours'`).finally(() => admin.end());
    expect((await redeem(newCode(), guesser)).body.code).toBe('code-unknown');
    expect(await story.service.database.transaction(everyTenant, pruneGuesses)).toBe(1);
  });
});

it('takes no codes where the operator has set no key', async () => {
  const other = await story.service.again({ COUPON_KEY: undefined } as object);
  try {
    const { status, body } = await call(`${other.url}/v1/municipalities/092011/programmes/${programme}/coupon-redemptions`, {
      token: portal,
      body: { code: newCode(), myKeyId: story.residents[0]?.myKeyId },
    });

    expect([status, body.code]).toEqual([503, 'coupons-not-set-up']);
  } finally {
    await other.stop();
  }
});
