import { postingRequestedV1, type PostingCompleted } from '@points/contracts';
import { everyTenant, tenants } from '@points/database';
import { points, uuidv7, type Instant } from '@points/kernel';
import { event } from '@points/messaging';
import { eventually, freshDatabase, quietLogger, type FreshDatabase } from '@points/testing';
import { migrations } from '../migrations.js';
import { applyAnswers } from './apply-answers.js';
import { applyOpenings } from './apply-openings.js';
import { askAction, type Asked } from './ask-action.js';
import { PaymentDesk, type NewPayment } from './payment-desk.js';
import { findPayment } from './stored-payment.js';

const tenant = '141305';
const now = new Date('2026-11-23T01:02:03.004Z');
const nowText = '2026-11-23T01:02:03.004Z' as Instant;

describe('payments', () => {
  let fresh: FreshDatabase;
  let desk: PaymentDesk;
  beforeEach(async () => {
    fresh = await freshDatabase('settlement', migrations);
    desk = new PaymentDesk(fresh.database, quietLogger());
  });
  afterEach(async () => {
    await desk.onApplicationShutdown();
    await fresh.close();
  });

  const count = async (table: string) =>
    Number((await fresh.database.transaction(everyTenant, (tx) => tx.query<{ n: string }>(`select count(*) as n from ${table}`)))[0]?.n);
  const find = (id: string) => fresh.database.transaction(tenants(tenant), (tx) => findPayment(tx, tenant, id));
  const open = (...answers: PostingCompleted[]) => {
    const pool = fresh.database.pipelined(1);
    return applyOpenings(
      pool,
      answers.map((answer) => ({ payment: answer.reference.slice('settlement:payment:'.length), answer })),
      () => true,
    ).finally(() => pool.end());
  };
  const ask = (payment: string, asked: Asked, key = uuidv7()) =>
    fresh.database.transaction(tenants(tenant), (tx) =>
      askAction(
        tx,
        { programme: `${tenant}-p`, payment, key: { tenant, client: 'c', key }, fingerprint: JSON.stringify(asked), asked, id: uuidv7() },
        now,
      ),
    );
  const apply = (payment: string, ...answers: PostingCompleted[]) =>
    fresh.database.transaction(tenants(tenant), (tx) =>
      applyAnswers(
        tx,
        answers.map((answer) => ({ payment, answer, isOpening: answer.reference === `settlement:payment:${payment}` })),
        now,
      ),
    );
  const references = async () =>
    (
      await fresh.database.transaction(everyTenant, (tx) =>
        tx.query<{ reference: string }>('select reference from payment_movement order by id'),
      )
    ).map((one) => one.reference);

  it('writes equal requests that arrive together as one payment with one question to the ledger', async () => {
    const taken = await Promise.all(Array.from({ length: 10 }, () => desk.take(aPayment({ key: 'same' }))));

    expect(taken.filter((one) => one.isNew)).toHaveLength(1);
    expect(new Set(taken.flatMap((one) => (one.isNew ? [] : [one.known.id]))).size).toBe(1);
    expect([await count('payment'), await count('outbox')]).toEqual([1, 1]);
  });

  it('writes equal requests to two replicas as one payment', async () => {
    const other = new PaymentDesk(fresh.database, quietLogger());

    const taken = await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? desk : other).take(aPayment({ key: `k${n % 7}` }))));

    await other.onApplicationShutdown();
    expect(taken.filter((one) => one.isNew)).toHaveLength(7);
    expect([await count('payment'), await count('outbox')]).toEqual([7, 7]);
  });

  it('keeps the payments of several municipalities in one flush apart', async () => {
    const [here, there] = await Promise.all([desk.take(aPayment({ key: 'k' })), desk.take(aPayment({ key: 'k', tenant: '222160' }))]);

    expect([here.isNew, there.isNew]).toEqual([true, true]);
    expect(await fresh.database.transaction(tenants('222160'), (tx) => tx.query('select tenant from payment'))).toEqual([
      { tenant: '222160' },
    ]);
  });

  it('lets one poison payment fail alone', async () => {
    const payments = [aPayment({}), { ...aPayment({}), programme: '222160-p' }, aPayment({})];

    const taken = await Promise.allSettled(payments.map((one) => desk.take(one)));

    expect(taken.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([await count('payment'), await count('outbox')]).toEqual([2, 2]);
  });

  it('writes more than one flush takes', async () => {
    const taken = await Promise.all(Array.from({ length: 600 }, () => desk.take(aPayment({}))));

    expect(taken.every((one) => one.isNew)).toBe(true);
    expect([await count('payment'), await count('outbox')]).toEqual([600, 600]);
  });

  it('updates a payment on its page, without touching an index', async () => {
    const payments = Array.from({ length: 200 }, () => aPayment({}));
    await Promise.all(payments.map((one) => desk.take(one)));

    await open(...payments.map((one) => posted(one.id, 'spend')));

    // The backend counts when it ends, and that is a moment after its connection has.
    await eventually(async () => {
      const [row] = await fresh.database.pool
        .query<{ updated: string; hot: string }>(
          `select n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'payment'`,
        )
        .then((result) => result.rows);
      expect(Number(row?.updated)).toBe(200);
      expect(Number(row?.hot)).toBeGreaterThan(190);
    });
  });

  it('does an answer that is told twice once', async () => {
    const payment = aPayment({});
    await desk.take(payment);

    const first = await open(posted(payment.id, 'spend'));
    const second = await open(posted(payment.id, 'spend'));
    await apply(payment.id, posted(payment.id, 'spend'));

    expect([first.size, second.size]).toEqual([1, 0]);
    expect(await find(payment.id)).toMatchObject({ state: 'captured', captured: 10, balance: 90 });
  });

  it('lets two refunds that race exceed nothing', async () => {
    const payment = aPayment({});
    await desk.take(payment);
    await open(posted(payment.id, 'spend'));

    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => ask(payment.id, { kind: 'refund', amount: points(6) })));

    expect(asked.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'rejected']);
    expect(await count('payment_movement')).toBe(1);
  });

  it('gives back a refused refund for the next one to ask', async () => {
    const payment = aPayment({});
    await desk.take(payment);
    await open(posted(payment.id, 'spend'));
    await ask(payment.id, { kind: 'refund', amount: points(6) });
    const [reference = ''] = await references();

    await apply(payment.id, refused(reference, 'refund', 'programme-frozen'));
    await ask(payment.id, { kind: 'refund', amount: points(10) });

    expect(
      await fresh.database.transaction(everyTenant, (tx) => tx.query('select state, refusal from payment_action order by id')),
    ).toMatchObject([{ state: 'refused', refusal: { code: 'programme-frozen' } }, { state: 'pending' }]);
    expect(await find(payment.id)).toMatchObject({ state: 'captured', refunded: 0 });
  });

  it('leaves a payment captured when its cancellation is refused', async () => {
    const payment = aPayment({});
    await desk.take(payment);
    await ask(payment.id, { kind: 'cancellation' });
    expect((await open(posted(payment.id, 'spend'))).size).toBe(0);
    await apply(payment.id, posted(payment.id, 'spend'));
    const [reference = ''] = await references();

    const { payments, actions } = await apply(payment.id, refused(reference, 'refund', 'programme-frozen'));

    expect([payments.length, actions.length]).toEqual([1, 1]);
    expect(await find(payment.id)).toMatchObject({ state: 'captured', captured: 10, refunded: 0 });
  });

  it('asks for one cancellation only, whatever the number of keys', async () => {
    const payment = aPayment({});
    await desk.take(payment);

    const asked = await Promise.allSettled(Array.from({ length: 4 }, () => ask(payment.id, { kind: 'cancellation' })));

    expect(asked.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    await apply(payment.id, posted(payment.id, 'spend'));
    expect(await references()).toHaveLength(1);
  });
});

function aPayment(given: { key?: string; tenant?: string }): NewPayment {
  const { key = uuidv7(), tenant: of = tenant } = given;
  const [id, holder] = [uuidv7(), uuidv7()];
  const data = {
    reference: `settlement:payment:${id}`,
    municipality: of,
    programme: `${of}-p`,
    account: `holder:${holder}`,
    instruction: { kind: 'spend' as const, amount: 10, to: 'merchant:s', places: ['shop:s'] },
    cause: { actor: 'c' },
  };
  return {
    ...{ id, tenant: of, programme: `${of}-p`, shop: 's', holder, capture: 'now', client: 'c', key, fingerprint: key, createdAt: now },
    amount: points(10),
    request: event(postingRequestedV1, data, { id, requester: 'settlement' }),
  };
}

function completed(reference: string, kind: string, outcome: PostingCompleted['outcome']): PostingCompleted {
  return {
    reference,
    municipality: tenant,
    programme: `${tenant}-p`,
    account: 'holder:0193579b-0000-7000-8000-000000000004',
    kind,
    outcome,
    completedAt: nowText,
  };
}

function posted(payment: string, kind: 'spend'): PostingCompleted {
  const outcome = {
    status: 'posted',
    posting: '0193579b-0000-7000-8000-000000000001',
    amount: 10,
    effectiveAt: nowText,
    balance: 90,
    available: 90,
  } as const;
  return completed(`settlement:payment:${payment}`, kind, outcome);
}

function refused(reference: string, kind: string, code: string): PostingCompleted {
  return completed(reference, kind, { status: 'refused', code, detail: code });
}
