import type { PostingCompleted } from '@points/contracts';
import { everyTenant, tenants, type Tx } from '@points/database';
import { linkHolders } from '@points/holders';
import { isUuid, parseInstant, uuidv7 } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { now as clock } from '../clock.js';
import { endOrders } from '../hear-postings/end-orders.js';
import { migrations } from '../migrations.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { orderReference } from '../reference.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { announce } from './announce.js';
import { claimDeliveries, recordSent, type Delivery, type Room } from './delivery.js';
import { listAttempts } from './delivery-log.js';
import { endpointsMax, type PutWebhookEndpoint } from './endpoint.js';
import type { PartnerFact } from './event-types.js';
import { attemptKeptDays, eventKeptDays, pruneAttempts, pruneEvents, pruneSecrets } from './prune.js';
import { deleteEndpoint, findEndpoint, putEndpoint } from './put-endpoint.js';
import { ping, replay, replayEventsMax, resend, type ReplayWebhooks } from './replay.js';
import { readNewSecret, writeSecret } from './secret.js';
import type { Sent } from './send-webhook.js';

const [kawasaki, tamana] = ['141305', '432067'];
const programme = `${kawasaki}-trial`;
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const myKeyId = 'WH7KTXH4';
const now = parseInstant('2026-11-23T12:00:00+09:00');
const terms = { name: 'Card A', rate: { numerator: 2, denominator: 1 }, lotPartnerPoints: 1, clients: ['card-a-system'] };

let fresh: FreshDatabase;
let count = 0;
/** Of one test alone. */
let partner: string;

beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder, myKeyId, registeredAt: now }]));
});
afterAll(() => fresh?.close());
beforeEach(async () => {
  partner = `card-${++count}`;
  await inKawasaki((tx) => putPartner(tx, { municipality: kawasaki, programme, partner }, terms, { client: 'staff', now }));
  // One test's webhooks must not be the next one's.
  await everywhere((tx) =>
    tx.write(`update webhook_delivery set state = 'stopped', next_attempt_at = null where next_attempt_at is not null`),
  );
});

const inKawasaki = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(tenants(kawasaki), work);
const everywhere = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(everyTenant, work);
const keyOf = (endpoint: string) => ({ municipality: kawasaki, programme, partner, endpoint });
const anEndpoint = (endpoint = 'main', changes: Partial<PutWebhookEndpoint> = {}) =>
  inKawasaki((tx) =>
    putEndpoint(tx, keyOf(endpoint), { url: 'https://partner.example/', ...changes }, { allowPrivate: false, now: clock() }),
  );
const view = async (endpoint = 'main') => (await inKawasaki((tx) => findEndpoint(tx, keyOf(endpoint)))).view;
const completed = (): PartnerFact => ({
  municipality: kawasaki,
  programme,
  partner,
  type: 'exchange-order.completed',
  data: { orderId: `KWS-${++count}`, channel: 'api', partnerPoints: 500, municipalPoints: 1000, bookedAt: now, posting: uuidv7() },
});
const tell = (facts: readonly PartnerFact[] = [completed()]) => inKawasaki((tx) => announce(tx, facts));
const room = (changes: Partial<Room> = {}): Room => ({ calls: 100, perEndpoint: 100, busy: new Map(), failing: false, ...changes });
const claim = (changes: Partial<Room> = {}) => everywhere((tx) => claimDeliveries(tx, room(changes)));
const claimOne = async (changes: Partial<Room> = {}) => {
  const [delivery] = await claim({ ...changes, calls: 1 });
  if (!delivery) throw new Error('nothing to send');
  return delivery;
};
const record = (delivery: Delivery, sent: Sent) => inKawasaki((tx) => recordSent(tx, delivery, sent, { durationMs: 12.3, random: 0.5 }));
const [delivered, failed, gone]: Sent[] = [
  { outcome: { kind: 'delivered' }, status: 204 },
  { outcome: { kind: 'failed' }, status: 503, problem: 'answered 503', answer: 'later' },
  { outcome: { kind: 'gone' }, status: 410, problem: 'answered 410: gone for good' },
] as const satisfies Sent[];
const due = () => everywhere((tx) => tx.write('update webhook_delivery set next_attempt_at = now() where next_attempt_at is not null'));
/** As if everything had happened so much earlier. */
const daysPass = (days: number) =>
  everywhere(async (tx) => {
    await tx.write(
      'update webhook_delivery set first_attempt_at = first_attempt_at - make_interval(days => $1), next_attempt_at = case when next_attempt_at is not null then now() end',
      [days],
    );
    await tx.write('update webhook_endpoint set failing_since = failing_since - make_interval(days => $1)', [days]);
  });
const statesOf = (event: string | undefined) =>
  inKawasaki(async (tx) =>
    (await tx.query<{ state: string }>('select state from webhook_delivery where event_id = $1 order by 1', [event])).map(
      (row) => row.state,
    ),
  );
const asOwner = async (statement: string, values: readonly unknown[] = []) => {
  const admin = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=exchange' });
  await admin.connect();
  try {
    await admin.query(statement, [...values]);
  } finally {
    await admin.end();
  }
};

describe('what partners are told', () => {
  const posted: PostingCompleted['outcome'] = {
    status: 'posted',
    posting: uuidv7(),
    amount: 1000,
    effectiveAt: now,
    balance: 1000,
    available: 1000,
  };
  const refused: PostingCompleted['outcome'] = {
    status: 'refused',
    code: 'outside-period',
    detail: 'the period is over',
    facts: { lastDay: '2018-11-30' },
  };
  const anOrder = async () => {
    const order = { orderId: `KWS-${++count}`, myKeyId, partner, partnerPoints: 500 };
    const wish = { id: uuidv7(), municipality: kawasaki, programme, order, client: 'card-a-system' };
    const [placed] = await inKawasaki((tx) =>
      placeOrders(tx, [{ ...wish, channel: 'api', isOnBehalf: false, mayBringHistory: false }], now),
    );
    expect(placed).toMatchObject({ isNew: true });
    return { ...order, reference: orderReference({ programme, partner, orderId: order.orderId }) };
  };
  const end = (tx: Tx, { reference }: { reference: string }, outcome: PostingCompleted['outcome']) =>
    endOrders(tx, [{ of: 'order', reference, outcome }]);
  const told = () =>
    inKawasaki((tx) =>
      tx.query<{ type: string; data: unknown }>('select type, data from partner_event where partner = $1 order by created_at, id', [
        partner,
      ]),
    );

  it('is the end of an order, in the transaction of the change, without the holder', async () => {
    const [one, other] = [await anOrder(), await anOrder()];

    await inKawasaki((tx) => end(tx, one, posted));
    await inKawasaki((tx) => end(tx, other, refused));

    const common = { programme, partner, channel: 'api', partnerPoints: 500, municipalPoints: 1000 };
    expect(await told()).toEqual([
      { type: 'exchange-order.completed', data: { ...common, orderId: one.orderId, bookedAt: now, posting: posted.posting } },
      {
        type: 'exchange-order.refused',
        data: { ...common, orderId: other.orderId, code: 'outside-period', detail: 'the period is over' },
      },
    ]);
    expect(JSON.stringify(await told())).not.toMatch(new RegExp(`${holder}|${myKeyId}`));
  });

  it('is nothing when the change is rolled back, and nothing twice when the ledger repeats itself', async () => {
    await anEndpoint();
    const order = await anOrder();
    const crash = inKawasaki(async (tx) => {
      await end(tx, order, posted);
      throw new Error('crash');
    });
    await expect(crash).rejects.toThrow('crash');
    expect([await told(), await claim()]).toEqual([[], []]);

    await inKawasaki((tx) => end(tx, order, posted));
    await inKawasaki((tx) => end(tx, order, posted));

    expect(await told()).toHaveLength(1);
    expect(await claim()).toHaveLength(1);
  });

  it('goes to the active endpoints that want its type, and to no other partner’s', async () => {
    await anEndpoint('all');
    await anEndpoint('orders', { types: ['exchange-order.completed', 'exchange-order.refused'] });
    await anEndpoint('refusals', { types: ['exchange-order.refused'] });
    await anEndpoint('off', { state: 'disabled' });
    const mine = partner;
    partner = 'neighbour';
    await inKawasaki((tx) => putPartner(tx, { municipality: kawasaki, programme, partner }, terms, { client: 'staff', now }));
    await anEndpoint('theirs');
    partner = mine;

    const [event] = await tell();

    const deliveries = await claim();
    const wanted = await Promise.all(['all', 'orders'].map(async (one) => (await inKawasaki((tx) => findEndpoint(tx, keyOf(one)))).id));
    expect(deliveries.map((one) => one.endpointId).sort()).toEqual(wanted.sort());
    expect(new Set(deliveries.map((one) => one.eventId))).toEqual(new Set([event]));
  });

  it('has ids in the order in which it happened', async () => {
    const events = await tell([completed(), completed(), completed()]);

    expect(events).toEqual([...events].sort());
    expect(events.every(isUuid)).toBe(true);
  });

  it('is never changed, nor the log of its attempts', async () => {
    await expect(inKawasaki((tx) => tx.write(`update partner_event set type = 'x'`))).rejects.toThrow('permission denied');
    await expect(inKawasaki((tx) => tx.write(`update webhook_attempt set outcome = 'delivered'`))).rejects.toThrow('permission denied');
  });

  it('must have the shape that is documented', async () => {
    const wrong = { ...completed(), data: { orderId: 'x' } } as unknown as PartnerFact;

    await expect(tell([wrong])).rejects.toThrow(/assertion failed: the data of exchange-order.completed is wrong: .*bookedAt is missing/);
  });

  it.each(['partner_event', 'webhook_endpoint', 'webhook_secret', 'webhook_delivery', 'webhook_attempt'])(
    'is seen by its municipality alone (%s)',
    async (table) => {
      await anEndpoint();
      await tell();
      await record(await claimOne(), failed);

      const rowsFor = (municipality: string) =>
        fresh.database.transaction(tenants(municipality), (tx) => tx.query(`select from ${table} limit 1`));
      expect([await rowsFor(kawasaki), await rowsFor(tamana)].map((rows) => rows.length)).toEqual([1, 0]);
    },
  );
});

describe('a delivery', () => {
  it('carries type, time and data, signed by the secrets that are valid', async () => {
    const { secret } = await anEndpoint();
    const fact = completed();
    const [event] = await tell([fact]);

    const delivery = await claimOne();

    expect(delivery).toMatchObject({
      eventId: event,
      attempt: 1,
      request: { id: event, url: 'https://partner.example/', secrets: [secret] },
    });
    expect(JSON.parse(delivery.request.body)).toEqual({
      type: 'exchange-order.completed',
      timestamp: expect.stringMatching(/^20\d\d-.*Z$/) as string,
      data: { programme, partner, ...fact.data },
    });
  });

  it('is claimed by one worker while its lease lasts, and again after it, under the same id and with the same body', async () => {
    await anEndpoint();
    await tell();
    const first = await claimOne();
    expect(await claim()).toEqual([]);

    // The process was killed.
    await due();
    const again = await claimOne();

    expect(again).toMatchObject({ attempt: 2, request: first.request });
    expect(again.lease).not.toBe(first.lease);
  });

  it('is not waited for by a second worker while the first claims it', async () => {
    await anEndpoint();
    const events = await tell([completed(), completed()]);

    const both = await everywhere(async (tx) => {
      const mine = await claimDeliveries(tx, room({ calls: 1 }));
      return [...mine, ...(await claim({ calls: 2 }))];
    });

    // The lock of the first may span what it looked at: nothing is claimed twice, and what is left is found by the next look.
    const rest = await claim();
    expect([...both, ...rest].map((one) => one.eventId).sort()).toEqual([...events].sort());
  });

  it('does not listen to an attempt whose lease another worker has taken over, but keeps it in the log', async () => {
    await anEndpoint();
    const [event] = await tell();
    const first = await claimOne();
    await due();
    const again = await claimOne();

    expect(await record(first, gone)).toEqual({ outcome: 'stale' });
    expect(await record(again, delivered)).toEqual({ outcome: 'delivered' });
    expect(await statesOf(event)).toEqual(['delivered']);
    expect((await view()).state).toBe('active');
    const { id } = await inKawasaki((tx) => findEndpoint(tx, keyOf('main')));
    const { attempts } = await inKawasaki((tx) => listAttempts(tx, id, {}));
    expect(attempts.map((one) => [one.attempt, one.outcome])).toEqual([
      [2, 'delivered'],
      [1, 'stale'],
    ]);
  });

  it('of one endpoint leaves room for the others', async () => {
    await anEndpoint('busy');
    await tell(Array.from({ length: 10 }, completed));
    await anEndpoint('quiet');
    await tell();

    const claimed = await claim({ perEndpoint: 4, calls: 6 });

    const byEndpoint = Object.groupBy(claimed, (one) => one.endpointId);
    expect(
      Object.values(byEndpoint)
        .map((some) => some?.length)
        .sort(),
    ).toEqual([1, 4]);
    const [busy] = Object.entries(byEndpoint).find(([, some]) => some?.length === 4) ?? [''];
    expect(await claim({ perEndpoint: 4, busy: new Map([[busy, 4]]) })).toEqual([]);
    expect(await claim({ perEndpoint: 4, busy: new Map([[busy, 3]]) })).toHaveLength(1);
  });

  it('to an endpoint that fails is claimed apart from the others', async () => {
    await anEndpoint('failing');
    await tell();
    await record(await claimOne(), failed);
    await anEndpoint('healthy');
    await tell();
    await due();

    expect([(await claim()).length, (await claim({ failing: true })).length]).toEqual([1, 2]);
  });

  it('is tried again later, and its endpoint is failing until it takes something', async () => {
    await anEndpoint();
    const [event] = await tell();
    const delivery = await claimOne();

    expect(await record(delivery, failed)).toEqual({ outcome: 'waiting' });

    const { id, view: failing } = await inKawasaki((tx) => findEndpoint(tx, keyOf('main')));
    expect(failing).toMatchObject({ state: 'active', waiting: 1, failingSince: delivery.claimedAt });
    const { attempts } = await inKawasaki((tx) => listAttempts(tx, id, {}));
    expect(attempts).toEqual([
      {
        id: expect.any(String) as string,
        event,
        type: 'exchange-order.completed',
        attempt: 1,
        attemptedAt: delivery.claimedAt,
        outcome: 'waiting',
        status: 503,
        durationMs: 12,
        answer: 'later',
        problem: 'answered 503',
        nextAttemptAt: expect.any(String) as string,
      },
    ]);
    const waitMs = Date.parse(attempts[0]?.nextAttemptAt ?? '') - Date.parse(delivery.claimedAt);
    expect(waitMs).toBeGreaterThanOrEqual(5_000);
    expect(waitMs).toBeLessThan(8_000);
    expect(await claim({ failing: true })).toEqual([]);

    await due();
    expect(await record(await claimOne({ failing: true }), delivered)).toEqual({ outcome: 'delivered' });
    expect(await view()).not.toHaveProperty('failingSince');
  });

  it('that was interrupted by our own stop is due at once, and no failure of its endpoint', async () => {
    await anEndpoint();
    const [event] = await tell();

    await record(await claimOne(), { outcome: { kind: 'interrupted' }, problem: 'the service stopped during the call; it is sent again' });

    expect(await view()).not.toHaveProperty('failingSince');
    expect(await claimOne()).toMatchObject({ eventId: event, attempt: 2 });
  });

  it('waits as long as it is asked to', async () => {
    await anEndpoint();
    await tell();
    await record(await claimOne(), { ...failed, outcome: { kind: 'failed', retryAfterMs: 3_600_000 } });

    const { id } = await inKawasaki((tx) => findEndpoint(tx, keyOf('main')));
    const { attempts } = await inKawasaki((tx) => listAttempts(tx, id, {}));
    const waitMs = Date.parse(attempts[0]?.nextAttemptAt ?? '') - Date.now();
    expect(waitMs).toBeGreaterThan(3_500_000);
    expect(waitMs).toBeLessThanOrEqual(3_600_000);
  });

  it('that fails for 3 days disables an endpoint that took nothing, with a notice to the others', async () => {
    await anEndpoint('dead');
    const [event, waiting] = await tell([completed(), completed()]);
    for (const delivery of await claim()) await record(delivery, failed);
    await anEndpoint('watcher', { types: ['webhook-endpoint.disabled'] });
    await daysPass(3);
    const last = (await claim({ failing: true })).find((one) => one.eventId === event);

    const recorded = last && (await record(last, failed));

    expect(recorded).toEqual({ outcome: 'failed', disabled: { endpoint: 'dead', partner, reason: 'failing' } });
    expect(await view('dead')).toMatchObject({
      state: 'disabled',
      disabledReason: 'failing',
      disabledAt: expect.any(String) as string,
      waiting: 0,
    });
    expect([await statesOf(event), await statesOf(waiting)]).toEqual([['failed'], ['stopped']]);
    const [notice] = await claim();
    expect(JSON.parse(notice?.request.body ?? '')).toMatchObject({
      type: 'webhook-endpoint.disabled',
      data: { programme, partner, endpoint: 'dead', reason: 'failing' },
    });
  });

  it('that fails for 3 days is given up alone when the endpoint took others meanwhile', async () => {
    await anEndpoint();
    const [event] = await tell();
    await record(await claimOne(), failed);
    await daysPass(3);
    await tell();
    const [bad, good] = (await claim({ failing: true })).sort((one, other) => (one.eventId < other.eventId ? -1 : 1));
    await record(good as Delivery, delivered);

    expect(await record(bad as Delivery, failed)).toEqual({ outcome: 'failed' });
    expect([await statesOf(event), (await view()).state]).toEqual([['failed'], 'active']);
  });

  it('that is answered 410 disables the endpoint at once', async () => {
    await anEndpoint();
    await tell();
    await tell();

    expect(await record(await claimOne(), gone)).toMatchObject({ disabled: { reason: 'gone' } });
    expect(await view()).toMatchObject({ state: 'disabled', disabledReason: 'gone', waiting: 0 });
    await tell();
    expect(await claim()).toEqual([]);
  });

  it('is stopped when its endpoint is disabled or deleted by hand', async () => {
    await anEndpoint();
    const [one] = await tell();
    const sending = await claimOne();
    await anEndpoint('main', { state: 'disabled' });

    expect(await record(sending, delivered)).toEqual({ outcome: 'stale' });
    expect(await statesOf(one)).toEqual(['stopped']);

    await anEndpoint('main');
    const [other] = await tell();
    const last = await claimOne();
    await inKawasaki((tx) => deleteEndpoint(tx, keyOf('main')));
    expect(await record(last, delivered)).toEqual({ outcome: 'stale' });
    expect(await statesOf(other)).toEqual(['stopped']);
  });
});

describe('an endpoint', () => {
  it('that was disabled and is active again begins anew', async () => {
    await anEndpoint();
    await tell();
    await record(await claimOne(), gone);

    await anEndpoint();

    const active = await view();
    expect(active).toMatchObject({ state: 'active', waiting: 0 });
    expect(Object.keys(active)).toEqual(expect.not.arrayContaining(['disabledAt', 'disabledReason', 'failingSince']));
  });

  it('keeps its secret when it is changed, and never shows it again', async () => {
    const first = await anEndpoint();

    const again = await anEndpoint('main', { url: 'https://other.example/', types: ['exchange-order.refused'] });

    expect(first.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(again).not.toHaveProperty('secret');
    expect(again.endpoint.view).toMatchObject({ url: 'https://other.example/', types: ['exchange-order.refused'] });
    expect(again.endpoint.view.secrets).toEqual(first.endpoint.view.secrets);
  });

  it('is one of ten, also when eleven are set up at the same time', async () => {
    const answers = await Promise.allSettled(Array.from({ length: endpointsMax + 1 }, (_, index) => anEndpoint(`e-${index}`)));

    const refused = answers.filter((one) => one.status === 'rejected');
    expect(refused.map((one) => (one.reason as { code: string }).code)).toEqual(['too-many-endpoints']);
  });
});

describe('a secret', () => {
  const rotate = (overlapHours: number) =>
    inKawasaki(async (tx) => {
      const { id } = await findEndpoint(tx, keyOf('main'));
      return writeSecret(tx, { municipality: kawasaki, endpointId: id, overlapHours, now: clock() });
    });
  const secretsOfNext = async () => {
    await tell();
    return (await claimOne()).request.secrets;
  };

  it('signs beside the one before until the overlap is over', async () => {
    const { secret: first } = await anEndpoint();
    const { secret: second } = await rotate(24);
    expect(await secretsOfNext()).toEqual([second, first]);

    await everywhere((tx) => tx.write('update webhook_secret set valid_until = now() where valid_until is not null'));

    expect(await secretsOfNext()).toEqual([second]);
    expect((await view()).secrets).toHaveLength(1);
  });

  it('ends at once with an overlap of 0', async () => {
    await anEndpoint();
    const { secret } = await rotate(0);

    expect(await secretsOfNext()).toEqual([secret]);
  });

  it('is one of two at most', async () => {
    await anEndpoint();
    const { secret: second } = await rotate(24);
    const { secret: third } = await rotate(24);

    expect(await secretsOfNext()).toEqual([third, second]);
  });

  it('is read again for the request that made it until a newer one takes its place', async () => {
    await anEndpoint();
    const { id, secret } = await rotate(24);
    expect(await inKawasaki((tx) => readNewSecret(tx, id))).toMatchObject({ id, secret });

    await rotate(24);

    expect(await inKawasaki((tx) => readNewSecret(tx, id))).toBeUndefined();
  });
});

describe('a replay', () => {
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const replayed = (body: Partial<ReplayWebhooks> = {}) =>
    inKawasaki(async (tx) => replay(tx, keyOf('main'), await findEndpoint(tx, keyOf('main')), { from: hoursAgo(1), ...body }, clock()));

  it('sends again what happened, also before the endpoint was set up, under the ids of the first time', async () => {
    const before = await tell([completed(), completed()]);
    await anEndpoint();
    const after = await tell();
    await record(await claimOne(), delivered);

    expect(await replayed()).toEqual({ events: 3 });

    const again = await claim();
    expect(again.map((one) => one.eventId).sort()).toEqual([...before, ...after].sort());
    expect(again.map((one) => one.attempt)).toEqual([1, 1, 1]);
  });

  it('leaves out what arrived, or other types, when it is told so', async () => {
    await anEndpoint();
    const [taken] = await tell();
    await record(await claimOne(), delivered);
    const [stopped] = await tell();
    await anEndpoint('main', { state: 'disabled' });
    await anEndpoint();

    expect(await replayed({ undeliveredOnly: true })).toEqual({ events: 1 });
    expect([await statesOf(taken), await statesOf(stopped)]).toEqual([['delivered'], ['waiting']]);
    expect(await replayed({ types: ['exchange-order.refused'] })).toEqual({ events: 0 });
    expect(await replayed({ to: hoursAgo(0.5) })).toEqual({ events: 0 });
  });

  it('leaves alone what waits already', async () => {
    await anEndpoint();
    await tell();
    const sending = await claimOne();

    expect(await replayed()).toEqual({ events: 1 });

    expect(await claim()).toEqual([]);
    expect(await record(sending, delivered)).toEqual({ outcome: 'delivered' });
  });

  it('of more than one call may have goes on where the first one ended', async () => {
    await asOwner(
      `insert into partner_event (id, tenant, programme, partner, type, data)
       select gen_random_uuid(), $1, $2, $3, 'exchange-order.completed', '{}' from generate_series(1, $4)`,
      [kawasaki, programme, partner, replayEventsMax + 3],
    );
    await anEndpoint();

    const first = await replayed();
    expect(first).toEqual({ events: replayEventsMax, next: expect.any(String) as string });
    expect(await replayed({ after: first.next as string })).toEqual({ events: 3 });
    expect((await view()).waiting).toBe(replayEventsMax + 3);
  });

  it.each([
    [{ from: hoursAgo(24 * 91) }, 'from', 'must lie in the last 90 days: older events are not kept'],
    [{ from: hoursAgo(-1) }, 'from', 'must not lie in the future'],
    [{ to: hoursAgo(2) }, 'to', 'must lie after from'],
  ])('of %j is refused', async (body, field, reason) => {
    await anEndpoint();

    await expect(replayed(body)).rejects.toMatchObject({ status: 422, code: 'invalid-request', facts: { errors: [{ field, reason }] } });
  });

  it('goes to an active endpoint only', async () => {
    await anEndpoint('main', { state: 'disabled' });

    await expect(replayed()).rejects.toMatchObject({ status: 409, code: 'endpoint-disabled' });
  });

  it('may be of one event, of this partner', async () => {
    await anEndpoint();
    const [event] = await tell();
    await record(await claimOne(), delivered);
    const again = (id: string) => inKawasaki(async (tx) => resend(tx, keyOf('main'), await findEndpoint(tx, keyOf('main')), id));

    await again(event as string);

    expect(await claimOne()).toMatchObject({ eventId: event, attempt: 1 });
    await expect(again(uuidv7())).rejects.toMatchObject({ code: 'unknown-event' });
    partner = 'card-1';
    await expect(
      inKawasaki(async (tx) =>
        resend(tx, keyOf('main'), { id: uuidv7(), view: { state: 'active', waiting: 0 } as never }, event as string),
      ),
    ).rejects.toMatchObject({ code: 'unknown-event' });
  });
});

describe('a ping', () => {
  it('goes to one endpoint, also a disabled one, once, and disables nothing', async () => {
    await anEndpoint('main', { state: 'disabled' });
    await anEndpoint('other');
    const event = await inKawasaki(async (tx) => ping(tx, keyOf('main'), await findEndpoint(tx, keyOf('main'))));

    const deliveries = await claim();

    expect(deliveries).toMatchObject([{ eventId: event, type: 'webhook.ping' }]);
    expect(await record(deliveries[0] as Delivery, failed)).toEqual({ outcome: 'failed' });
    expect(await view()).not.toHaveProperty('failingSince');
  });
});

describe('what is old', () => {
  it('goes: events with their deliveries, attempts, secrets that ended', async () => {
    await anEndpoint();
    const [old] = await tell();
    const [young] = await tell();
    for (const delivery of await claim()) await record(delivery, delivered);
    await inKawasaki(async (tx) => {
      const { id } = await findEndpoint(tx, keyOf('main'));
      await writeSecret(tx, { municipality: kawasaki, endpointId: id, overlapHours: 0, now: clock() });
    });
    await asOwner('update partner_event set created_at = now() - make_interval(days => $2, mins => 1) where id = $1', [old, eventKeptDays]);
    await asOwner('update webhook_attempt set attempted_at = now() - make_interval(days => $2, mins => 1) where event_id = $1', [
      old,
      attemptKeptDays,
    ]);

    for (const prune of [pruneEvents, pruneAttempts, pruneSecrets]) await everywhere(prune);

    expect([await statesOf(old), await statesOf(young)]).toEqual([[], ['delivered']]);
    const { id } = await inKawasaki((tx) => findEndpoint(tx, keyOf('main')));
    expect((await inKawasaki((tx) => listAttempts(tx, id, {}))).attempts.map((one) => one.event)).toEqual([young]);
    expect(await inKawasaki((tx) => tx.query('select from webhook_secret where endpoint_id = $1', [id]))).toHaveLength(1);
  });
});
