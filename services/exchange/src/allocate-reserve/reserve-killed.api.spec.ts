import { randomUUID } from 'node:crypto';
import { addDays, jstDateOf, parseInstant } from '@points/kernel';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import pg from 'pg';
import type { ReservePartState } from '../rules/reserve-part-state.js';
import { exchangeProcess, type ExchangeProcess } from '../testing/exchange-process.js';
import { closedProgramme, fakeLedger, type FakeLedger } from '../testing/fake-ledger.js';
import { aPerson, registerPerson, type Person } from '../testing/linked-holder.js';

const reserve = '000001-reserve';
const [utsunomiya, owariasahi] = ['092011-miya', '232262-asahi'];
const partner = 'mobile';

let exchange: ExchangeProcess;
let ledger: FakeLedger;
let staff: string;
let admin: pg.Pool;

beforeAll(async () => {
  exchange = await exchangeProcess({});
  [ledger] = await Promise.all([fakeLedger(exchange.topicPrefix), exchange.start()]);
  const scopes = ['partners:write', 'exchange:write', 'exchange:on-behalf', 'history:write', 'reserve:read', 'reserve:write'];
  staff = await exchange.token(scopes, ['000001'], 'portal');
  await put('reserve', {});
  await put(`partners/${partner}`, { name: 'Mobile', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: [] });
  admin = new pg.Pool({ connectionString: exchange.fresh.adminUrl, max: 3 });
}, 90_000);

afterAll(async () => {
  await admin?.end();
  await exchange?.close();
  await ledger?.close();
});

const at = (path: string) => `${exchange.url}/v1/municipalities/000001/programmes/${reserve}/${path}`;

async function put(path: string, body: object): Promise<void> {
  const { status, body: said } = await call(at(path), { method: 'PUT', token: staff, body });
  expect([status < 300, said]).toMatchObject([true, {}]);
}

/** With points in the reserve. */
async function aPersonWith(points: number, acceptedAt?: string): Promise<Person> {
  const person = aPerson();
  await registerPerson(exchange.fresh.database, person);
  const order = { orderId: randomUUID(), myKeyId: person.myKeyId, partner, partnerPoints: points, ...(acceptedAt && { acceptedAt }) };
  const { body } = await call(at('exchange-orders'), { token: staff, body: order });
  expect(body).toMatchObject({ state: 'completed' });
  return person;
}

interface Asked {
  readonly person: Person;
  readonly allocationId: string;
  readonly target: string;
  readonly points: number;
}

/** Its answer is of no interest: the process may be dead by then. */
async function ask({ person: { myKeyId }, allocationId, target, points }: Asked): Promise<void> {
  const body = { allocationId, myKeyId, parts: [{ programme: target, points }] };
  await call(at('reserve/allocations'), { token: staff, body }).catch(() => undefined);
}

const anAsking = (person: Person, target: string, points: number): Asked => ({ person, allocationId: randomUUID(), target, points });

/** From the table: the process may be dead. */
async function stateOf({ allocationId }: Asked): Promise<ReservePartState | undefined> {
  const { rows } = await admin.query<{ state: ReservePartState }>('select state from exchange.reserve_part where allocation_id = $1', [
    allocationId,
  ]);
  return rows[0]?.state;
}

/** Of a holder: what is written down here, and what the ledger has in the reserve and at a target. */
async function standing({ person, target }: Asked, state: ReservePartState | undefined) {
  const { rows } = await admin.query<{ waiting: number }>(
    'select coalesce(sum(remaining), 0)::int as waiting from exchange.reserve_arrival where holder = $1',
    [person.holder],
  );
  const { balance, available } = ledger.balance(person.holder, reserve);
  return { state, waiting: rows[0]?.waiting, balance, available, there: ledger.balance(person.holder, target).balance };
}

async function eventuallyIn(asked: Asked, state: ReservePartState): Promise<void> {
  await eventually(async () => expect(await stateOf(asked)).toBe(state), { timeoutMs: 40_000 });
}

/** Points of all arrivals, parts and programmes, summed: nothing is left over on either side. */
async function sums() {
  const { rows } = await admin.query<{ holder: string; waiting: number; open: number; given: Record<string, number> | null }>(
    `select a.holder, sum(a.remaining)::int as waiting,
       (select count(*)::int from exchange.reserve_part p where p.holder = a.holder and p.state not in ('completed', 'refused')) as open,
       (select json_object_agg(target, points) from (
          select target, sum(points)::int as points from exchange.reserve_part p where p.holder = a.holder and p.state = 'completed' group by 1) g) as given
     from exchange.reserve_arrival a group by a.holder`,
  );
  return rows.map(({ holder, waiting, open, given }) => ({
    open,
    reserve: { exchange: waiting, ledger: ledger.balance(holder, reserve) },
    targets: [utsunomiya, owariasahi].map((target) => ({ exchange: given?.[target] ?? 0, ledger: ledger.balance(holder, target).balance })),
  }));
}

async function expectAgreement(): Promise<void> {
  const all = await sums();
  expect(all.length).toBeGreaterThan(4);
  for (const { open, reserve: in_, targets } of all) {
    expect({ open, ...in_.ledger }).toEqual({ open: 0, balance: in_.exchange, available: in_.exchange });
    for (const one of targets) expect(one.ledger).toBe(one.exchange);
  }
}

const roundsMax = 3;

describe('killed with -9', () => {
  const held = { waiting: 400, balance: 1_000, available: 400 };
  /** What the ledger is asked for and does not answer, and how all stands at the moment of death. */
  const points = [
    ['before the points are taken out', utsunomiya, ['capture'], 'capturing', { ...held, there: 600 }, 'completed'],
    ['before the points are given back', closedProgramme, ['release'], 'releasing', { ...held, there: 0 }, 'refused'],
    ['before the target issues', utsunomiya, ['issue'], 'issuing', { ...held, there: 0 }, 'completed'],
    ['before the target refuses', closedProgramme, ['issue'], 'issuing', { ...held, there: 0 }, 'refused'],
    ['before the points are held', utsunomiya, ['hold'], 'holding', { ...held, available: 1_000, there: 0 }, 'completed'],
  ] as const;

  it('between every two steps, each part comes to the end that it would have come to', async () => {
    const people = await Promise.all(points.map(() => aPersonWith(1_000)));
    const last = await aPersonWith(1_000);
    const stuck = [];
    for (const [index, [name, target, kinds, state, standsAt, end]] of points.entries()) {
      // What is not answered for one part is not answered for those after it either: the last steps come first.
      ledger.fallSilent(...kinds);
      const asked = anAsking(people[index] as Person, target, 600);
      await ask(asked);
      await eventuallyIn(asked, state);
      stuck.push({ name, asked, standsAt: { state, ...standsAt }, end });
    }
    const atOnce = anAsking(last, owariasahi, 600);
    await ask(atOnce);
    await exchange.kill();

    for (const { name, asked, standsAt } of stuck) expect([name, await standing(asked, await stateOf(asked))]).toEqual([name, standsAt]);
    await ledger.speak();
    await exchange.start();

    for (const { name, asked, end } of [...stuck, { name: 'at once', asked: atOnce, end: 'completed' as const }]) {
      await eventuallyIn(asked, end);
      const left = end === 'completed' ? 400 : 1_000;
      const stands = { state: end, waiting: left, balance: left, available: left, there: 1_000 - left };
      expect([name, await standing(asked, end)]).toEqual([name, stands]);
    }
    await expectAgreement();
  }, 120_000);

  it('again and again at any moment, while points fall due and are given away: ledger and reserve agree', async () => {
    const longAgo = `${addDays(jstDateOf(parseInstant(new Date().toISOString())), -20)}T10:00:00+09:00`;
    const asked: Asked[] = [];
    const due: Person[] = [];
    for (let round = 0; round < roundsMax; round++) {
      const [one, other, third] = [await aPersonWith(1_000), await aPersonWith(1_000), await aPersonWith(700, longAgo)];
      await put(`reserve/base-programmes/${third.myKeyId}`, { programme: owariasahi });
      due.push(third);
      const now = [
        anAsking(one, utsunomiya, 600),
        anAsking(one, owariasahi, 300),
        anAsking(other, closedProgramme, 500),
        anAsking(other, utsunomiya, 500),
      ];
      asked.push(...now);
      const calls = now.map(ask);
      await eventually(async () => (await Promise.all(now.map(stateOf))).some((state) => state !== undefined));
      // From here on no state is waited for: any moment is the right one to die.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      await exchange.kill();
      await Promise.all(calls);
      await exchange.start();
    }
    // Whoever got no answer asks again, as every caller does.
    await Promise.all(asked.map(ask));

    for (const one of asked) await eventuallyIn(one, one.target === closedProgramme ? 'refused' : 'completed');
    for (const { holder } of due)
      // A process that died with an arrival in its hands leaves a lease of 20 s behind.
      await eventually(() => expect(ledger.balance(holder, owariasahi).balance).toBe(700), { timeoutMs: 60_000 });
    await eventually(expectAgreement);
  }, 300_000);
});
