import { everyTenant, tenants, type Tx } from '@points/database';
import type { PostingCompleted } from '@points/contracts';
import type { Cause } from '@points/http';
import { parseInstant, uuidv7 } from '@points/kernel';
import { assertSchemaIsolation, freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { claimCredits, recordAnswer, type Credit } from './convert-points/credit.js';
import type { RequestConversion } from './convert-points/conversion.js';
import { findConversion, requestConversion, tryAgain } from './convert-points/request-conversion.js';
import { endOrders } from './hear-postings/end-orders.js';
import { moveConversions } from './hear-postings/move-conversions.js';
import { linkHolders } from '@points/holders';
import { migrations } from './migrations.js';
import { findOrder } from './place-exchange-order/find-order.js';
import type { PlaceExchangeOrder } from './place-exchange-order/order-request.js';
import { placeOrders, type OrderWish, type Placed } from './place-exchange-order/place-orders.js';
import { conversionReference, orderReference } from './reference.js';
import { askReversals } from './reverse-orders/reverse-orders.js';
import { schemeAttemptsMax } from './rules/retry.js';
import { putPartner } from './set-up-partners/put-partner.js';
import { putScheme } from './set-up-schemes/scheme.js';

const [kawasaki, tamana] = ['141305', '432067'];
const programme = `${kawasaki}-trial`;
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const myKeyId = 'WH7KTXH4';
const now = parseInstant('2026-11-23T12:00:00+09:00');

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  for (const municipality of [kawasaki, tamana])
    await fresh.database.transaction(tenants(municipality), async (tx) => {
      const of = `${municipality}-trial`;
      const terms = { name: 'Card A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: ['card-a'] };
      await putPartner(tx, { municipality, programme: of, partner: 'card-a' }, terms, { client: 'staff', now });
      await putScheme(tx, { municipality, programme: of, scheme: 'bureka' }, { name: 'ブレカ', endpoint: 'http://127.0.0.1:9' }, now);
    });
  await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder, myKeyId, registeredAt: now }]));
});
afterAll(() => fresh?.close());

const inKawasaki = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(tenants(kawasaki), work);

const cause: Cause = {
  municipality: kawasaki,
  client: 'card-a',
  scopes: new Set(['history:write']),
  tenants: new Set([kawasaki]),
  fingerprint: '',
  operation: '',
};

const aWish = (order: PlaceExchangeOrder): OrderWish => ({
  ...{ id: uuidv7(), municipality: kawasaki, programme, order, channel: 'api', client: 'card-a', isOnBehalf: false, mayBringHistory: true },
});
const place = async (tx: Tx, order: PlaceExchangeOrder): Promise<Placed> => {
  const [placed] = await placeOrders(tx, [aWish(order)], now);
  if (!placed) throw new Error('no answer to an order');
  return placed;
};

let count = 0;
const anOrder = () => ({ orderId: `KWS-${++count}`, myKeyId, partner: 'card-a', partnerPoints: 500 });
const aConversion = (changes: Partial<RequestConversion> = {}) => ({
  conversionId: `BRE-${++count}`,
  myKeyId,
  scheme: 'bureka',
  points: 100,
  ...changes,
});

const posted = (amount = 100): Extract<PostingCompleted['outcome'], { status: 'posted' }> => ({
  status: 'posted',
  posting: uuidv7(),
  amount,
  effectiveAt: now,
  balance: amount,
  available: amount,
});
const refused: PostingCompleted['outcome'] = {
  status: 'refused',
  code: 'outside-period',
  detail: 'the period is over',
  facts: { lastDay: '2018-11-30' },
};

describe('the schema', () => {
  it('is all that the service’s role can reach', async () => {
    await assertSchemaIsolation(fresh);
  });

  const tables = ['partner', 'partner_terms', 'exchange_order', 'order_reversal', 'scheme', 'conversion', 'request', 'outbox'];

  it.each(tables)('shows and takes rows of %s for the transaction’s tenant alone', async (table) => {
    await inKawasaki(async (tx) => {
      const order = anOrder();
      await place(tx, order);
      await endOrders(tx, [{ of: 'order', reference: orderReference({ programme, ...order }), outcome: posted(500) }]);
      const by = {
        municipality: kawasaki,
        programme,
        partner: 'card-a',
        client: 'card-a',
        isOnBehalf: true,
        mayBeLate: true,
        mayBringHistory: true,
      };
      await askReversals(tx, by, [order.orderId], { reason: 'mistake' }, now);
    });
    await inKawasaki((tx) => requestConversion(tx, cause, programme, aConversion(), now));
    await inKawasaki((tx) =>
      tx.write(`insert into request (tenant, client, key, fingerprint, status) values ($1, 'x', $2, 'f', 200)`, [kawasaki, `${++count}`]),
    );
    const client = new pg.Client({ connectionString: fresh.url, options: '-c search_path=exchange' });
    await client.connect();
    try {
      const visibleTo = async (setting: string | null) => {
        await client.query('begin');
        if (setting !== null) await client.query(`select set_config('app.tenant', $1, true)`, [setting]);
        const { rows } = await client.query<{ tenant: string }>(`select distinct tenant from ${table}`);
        await client.query('rollback');
        return rows.map((row) => row.tenant);
      };

      expect(await visibleTo(kawasaki)).toEqual([kawasaki]);
      expect(await visibleTo(tamana)).not.toContain(kawasaki);
      expect(await visibleTo(null)).toEqual([]);
      expect(await visibleTo('')).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it('lists every table with tenant data as one of those', async () => {
    const admin = new pg.Client({ connectionString: fresh.adminUrl });
    await admin.connect();
    try {
      const { rows } = await admin.query<{ name: string; secured: boolean; has_tenant: boolean }>(
        `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as secured,
                exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant') as has_tenant
         from pg_class c where c.relnamespace = 'exchange'::regnamespace and c.relkind = 'r' order by 1`,
      );
      expect(rows.filter((row) => row.has_tenant !== row.secured)).toEqual([]);
      expect(rows.filter((row) => !row.has_tenant).map((row) => row.name)).toEqual([
        ...['holder_link', 'inbox', 'migration', 'parked_key'],
        // The platform’s: a part of the reserve belongs to a holder and to two programmes.
        ...['reserve_allocation', 'reserve_arrival', 'reserve_base', 'reserve_draw', 'reserve_part', 'reserve_programme'],
      ]);
    } finally {
      await admin.end();
    }
  });

  it('does not let a transaction write another municipality’s rows', async () => {
    const inTamana = (statement: string) => fresh.database.transaction(tenants(tamana), (tx) => tx.write(statement));

    await expect(
      inTamana(`insert into partner (tenant, programme, partner, created_at) values ('${kawasaki}', '${programme}', 'card-z', now())`),
    ).rejects.toThrow('row-level security');
    await expect(inTamana(`update scheme set tenant = '${kawasaki}', programme = '${programme}', scheme = 'new'`)).rejects.toThrow(
      'row-level security',
    );
    expect(await inTamana(`update scheme set name = 'x' where programme = '${programme}'`)).toBe(0);
    expect(await inTamana(`update conversion set state = 'requested', next_attempt_at = null where tenant = '${kawasaki}'`)).toBe(0);
  });

  it('keeps versions of terms for ever: the service’s role may add, not change', async () => {
    await expect(inKawasaki((tx) => tx.write('update partner_terms set numerator = 2'))).rejects.toThrow('permission denied');
    await expect(inKawasaki((tx) => tx.write('delete from partner_terms'))).rejects.toThrow('permission denied');
    await expect(inKawasaki((tx) => tx.write('delete from exchange_order'))).rejects.toThrow('permission denied');
    await expect(inKawasaki((tx) => tx.write('delete from conversion'))).rejects.toThrow('permission denied');
  });
});

describe('an order', () => {
  const ended = async (outcomes: readonly PostingCompleted['outcome'][]) => {
    const order = anOrder();
    await inKawasaki((tx) => place(tx, order));
    const reference = orderReference({ programme, ...order });
    for (const outcome of outcomes) await inKawasaki((tx) => endOrders(tx, [{ of: 'order', reference, outcome }]));
    return (await inKawasaki((tx) => findOrder(tx, programme, order)))?.view;
  };

  it('leaves no row and no event behind when its transaction rolls back', async () => {
    const order = anOrder();
    const counts = () =>
      inKawasaki((tx) =>
        tx.query<{ rows: number }>('select (select count(*) from outbox)::int + (select count(*) from exchange_order)::int as rows'),
      );
    const before = await counts();

    await expect(
      inKawasaki(async (tx) => {
        await place(tx, order);
        throw new Error('crash');
      }),
    ).rejects.toThrow('crash');

    expect(await counts()).toEqual(before);
  });

  it('hears its outcome twice and ends once', async () => {
    const first = posted(500);

    expect(await ended([first, { ...first, posting: uuidv7() }])).toMatchObject({ state: 'completed', posting: first.posting });
  });

  it('keeps the ledger’s refusal with its facts', async () => {
    expect(await ended([refused, refused])).toMatchObject({
      state: 'refused',
      refusal: { code: 'outside-period', facts: { lastDay: '2018-11-30' } },
    });
  });

  it.each([
    ['a refusal after it was completed', [posted(500), refused], 'is completed and its issue is said to be refused'],
    ['another number of points than it asked for', [posted(499)], 'another number of points'],
  ])('does not believe %s', async (_, outcomes, message) => {
    await expect(ended(outcomes)).rejects.toThrow(message);
  });

  it('must exist for an outcome to be heard', async () => {
    const reference = orderReference({ programme, partner: 'card-a', orderId: 'none' });
    const stray = inKawasaki((tx) => endOrders(tx, [{ of: 'order', reference, outcome: posted() }]));

    await expect(stray).rejects.toThrow('there is no order with the reference');
  });
});

describe('a conversion', () => {
  const begun = async (changes: Partial<RequestConversion> = {}) => {
    const conversion = aConversion(changes);
    await inKawasaki((tx) => requestConversion(tx, cause, programme, conversion, now));
    return { ...conversion, reference: conversionReference({ programme, conversionId: conversion.conversionId }) };
  };
  type Begun = Awaited<ReturnType<typeof begun>>;
  const hear = (conversion: Begun, step: 'hold' | 'capture' | 'release', outcome: PostingCompleted['outcome'] = posted(), askedAgain = 0) =>
    inKawasaki((tx) => moveConversions(tx, [{ of: 'conversion', reference: conversion.reference, step, askedAgain, outcome }], now));
  const read = async (conversion: Begun) => (await inKawasaki((tx) => findConversion(tx, programme, conversion.conversionId)))?.view;
  const claim = async (): Promise<Credit[]> => fresh.database.transaction(everyTenant, (tx) => claimCredits(tx, 10));
  const record = (credit: Credit, said: Parameters<typeof recordAnswer>[2]) => inKawasaki((tx) => recordAnswer(tx, credit, said, 0));
  const acknowledged = { kind: 'acknowledged', receipt: 'R-1' } as const;
  const asked = (conversion: Begun) =>
    inKawasaki(async (tx) => {
      const rows = await tx.query<{ payload: string }>('select payload from outbox where payload like $1 order by id', [
        `%${conversion.reference}:%`,
      ]);
      return rows.map((row) => (JSON.parse(row.payload) as { instruction: { kind: string } }).instruction.kind);
    });
  const leaseIsOver = (conversion: Begun) =>
    inKawasaki((tx) => tx.write(`update conversion set next_attempt_at = now() where conversion_id = $1`, [conversion.conversionId]));
  const held = async () => {
    const conversion = await begun();
    await hear(conversion, 'hold');
    const [credit] = await claim();
    if (!credit) throw new Error('nothing to credit');
    return { conversion, credit };
  };
  // One test's conversion must not be the next one's.
  afterEach(() =>
    fresh.database.transaction(everyTenant, (tx) =>
      tx.write(`update conversion set next_attempt_at = null where next_attempt_at is not null`),
    ),
  );

  it('goes from hold to credit to capture', async () => {
    const { conversion, credit } = await held();
    expect(credit).toMatchObject({ conversionId: conversion.conversionId, member: myKeyId, points: 100, attempt: 1 });

    expect(await record(credit, acknowledged)).toBe('capturing');
    const moved = await hear(conversion, 'capture');

    expect(moved.over).toHaveLength(1);
    expect(await read(conversion)).toMatchObject({ state: 'completed', receipt: 'R-1' });
    expect(await asked(conversion)).toEqual(['hold', 'capture']);
  });

  it('is claimed by one worker while its lease lasts', async () => {
    await held();

    expect(await claim()).toEqual([]);
  });

  it('is not waited for by a second worker while the first claims it', async () => {
    const [one, other] = [await begun(), await begun()];
    await hear(one, 'hold');
    await hear(other, 'hold');

    const both = await fresh.database.transaction(everyTenant, async (first) => {
      const mine = await claimCredits(first, 1);
      return [...mine, ...(await claim())];
    });

    expect(both.map((credit) => credit.conversionId).sort()).toEqual([one.conversionId, other.conversionId].sort());
  });

  it('is credited anew when the process died before the call or before its record', async () => {
    const { conversion, credit } = await held();

    await leaseIsOver(conversion);
    const [again] = await claim();

    expect(again).toMatchObject({ id: credit.id, attempt: 2 });
    expect(again?.lease).not.toBe(credit.lease);
  });

  it('does not listen to an attempt whose lease another worker has taken over', async () => {
    const { conversion, credit } = await held();
    await leaseIsOver(conversion);
    const [again] = await claim();

    expect(await record(credit, { kind: 'refused', code: 'x', detail: 'late' })).toBe('stale');
    expect(again && (await record(again, acknowledged))).toBe('capturing');
    expect(await asked(conversion)).toEqual(['hold', 'capture']);
  });

  it('writes down an answer and asks the ledger together, or neither', async () => {
    const { conversion, credit } = await held();

    await expect(
      inKawasaki(async (tx) => {
        await recordAnswer(tx, credit, acknowledged, 0);
        throw new Error('crash');
      }),
    ).rejects.toThrow('crash');

    expect(await read(conversion)).toMatchObject({ state: 'at-scheme' });
    expect(await asked(conversion)).toEqual(['hold']);
    expect(await record(credit, acknowledged)).toBe('capturing');
  });

  it('gives its points back when the scheme refuses, and is refused once they are back', async () => {
    const { conversion, credit } = await held();

    expect(await record(credit, { kind: 'refused', code: 'card-blocked', detail: 'the card is blocked' })).toBe('releasing');
    await hear(conversion, 'release');

    expect(await read(conversion)).toMatchObject({
      state: 'refused',
      refusal: { code: 'scheme-refused', detail: 'the card is blocked', facts: { scheme: 'bureka', schemeCode: 'card-blocked' } },
    });
    expect(await asked(conversion)).toEqual(['hold', 'release']);
  });

  it('asks nothing more when the ledger refuses the hold', async () => {
    const conversion = await begun();

    await hear(conversion, 'hold', refused);

    expect(await read(conversion)).toMatchObject({ state: 'refused', refusal: { code: 'outside-period' } });
    expect(await claim()).toEqual([]);
  });

  it('stays at the scheme, held, when its attempts are used up, until an operator has it tried again', async () => {
    const { conversion, credit } = await held();
    const failed = { kind: 'failed', reason: 'answered 503' } as const;

    expect(await record({ ...credit, attempt: schemeAttemptsMax }, failed)).toBe('attempts-used-up');
    expect(await read(conversion)).toMatchObject({ state: 'at-scheme', atScheme: { attempts: 1, lastProblem: 'answered 503' } });
    expect((await read(conversion))?.atScheme).not.toHaveProperty('nextAttemptAt');
    expect(await claim()).toEqual([]);

    await inKawasaki((tx) => tryAgain(tx, programme, conversion.conversionId));

    expect(await claim()).toMatchObject([{ id: credit.id, attempt: 1 }]);
  });

  it('is tried again later after a failure', async () => {
    const { conversion, credit } = await held();

    expect(await record(credit, { kind: 'failed', reason: 'answered 503' })).toBe('tried-again');

    const next = Date.parse((await read(conversion))?.atScheme?.nextAttemptAt ?? '');
    expect(next).toBeGreaterThan(Date.now());
    expect(next).toBeLessThan(Date.now() + 600);
  });

  const frozen: PostingCompleted['outcome'] = { status: 'refused', code: 'programme-frozen', detail: 'the programme is frozen' };
  const again = (conversion: Begun) => inKawasaki((tx) => tryAgain(tx, programme, conversion.conversionId));

  it('is in dispute when the ledger refuses to capture what it held, and is completed when an operator has it asked again', async () => {
    const { conversion, credit } = await held();
    await record(credit, acknowledged);

    const moved = await hear(conversion, 'capture', frozen);

    expect(moved.inDispute).toHaveLength(1);
    expect(await read(conversion)).toMatchObject({ state: 'in-dispute', receipt: 'R-1', refusal: { code: 'programme-frozen' } });
    expect((await again(conversion)).view).toMatchObject({ state: 'capturing' });
    await hear(conversion, 'capture', frozen);
    expect(await read(conversion)).toMatchObject({ state: 'capturing' });
    await hear(conversion, 'capture', posted(), 1);
    expect(await read(conversion)).toMatchObject({ state: 'completed' });
    expect(await read(conversion)).not.toHaveProperty('refusal');
    expect(await asked(conversion)).toEqual(['hold', 'capture', 'capture']);
  });

  it('keeps the scheme’s refusal when the ledger refuses the release, and gives the points back when asked again', async () => {
    const { conversion, credit } = await held();
    await record(credit, { kind: 'refused', code: 'card-blocked', detail: 'the card is blocked' });

    await hear(conversion, 'release', frozen);

    const dispute = 'the ledger refused the release: programme-frozen, the programme is frozen';
    expect(await read(conversion)).toMatchObject({ state: 'in-dispute', dispute, refusal: { code: 'scheme-refused' } });
    await again(conversion);
    await hear(conversion, 'release', posted(), 1);
    expect(await read(conversion)).toMatchObject({ state: 'refused', refusal: { code: 'scheme-refused' } });
    await expect(again(conversion)).rejects.toMatchObject({ code: 'not-waiting' });
  });

  it('does not believe a capture that it never asked for', async () => {
    const conversion = await begun();

    await expect(hear(conversion, 'capture')).rejects.toThrow('is requested and its capture is said to be posted');
  });

  it('hears the hold and the refusal of several conversions in one batch', async () => {
    const [one, other] = [await begun(), await begun()];

    const moved = await inKawasaki((tx) =>
      moveConversions(
        tx,
        [
          { of: 'conversion', reference: one.reference, step: 'hold', askedAgain: 0, outcome: posted() },
          { of: 'conversion', reference: other.reference, step: 'hold', askedAgain: 0, outcome: refused },
          { of: 'conversion', reference: one.reference, step: 'hold', askedAgain: 0, outcome: posted() },
        ],
        now,
      ),
    );

    expect(moved).toMatchObject({ over: [expect.any(String)], isCreditDue: true });
    expect([(await read(one))?.state, (await read(other))?.state]).toEqual(['at-scheme', 'refused']);
  });
});

describe('the link from My Key ID to holder', () => {
  const link = (myKey: string, registeredAt: string, of: string) =>
    fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder: of, myKeyId: myKey, registeredAt }]));
  const linked = async (of: string) =>
    (await inKawasaki((tx) => tx.query<{ my_key_id: string }>('select my_key_id from holder_link where holder = $1', [of])))[0]?.my_key_id;

  it('is that of the last registration, in whatever order they arrive', async () => {
    const other = '01890a5d-ac96-774b-bcce-b302099a8058';
    await link('AAAA0002', '2026-01-02T00:00:00.000Z', other);
    await link('AAAA0001', '2026-01-01T00:00:00.000Z', other);
    expect(await linked(other)).toBe('AAAA0002');

    await fresh.database.transaction(everyTenant, (tx) =>
      linkHolders(tx, [
        { holder: other, myKeyId: 'AAAA0004', registeredAt: '2026-01-04T00:00:00.000Z' },
        { holder: other, myKeyId: 'AAAA0003', registeredAt: '2026-01-03T00:00:00.000Z' },
      ]),
    );

    expect(await linked(other)).toBe('AAAA0004');
  });

  it('no longer holds for a My Key ID that was replaced', async () => {
    const changed = '01890a5d-ac96-774b-bcce-b302099a8059';
    await link('BBBB0001', '2026-01-01T00:00:00.000Z', changed);
    await link('BBBB0002', '2026-01-02T00:00:00.000Z', changed);

    const placed = await inKawasaki((tx) => place(tx, { ...anOrder(), myKeyId: 'BBBB0001' }));

    expect(placed).toMatchObject({ problem: { code: 'unknown-my-key-id' } });
  });
});
