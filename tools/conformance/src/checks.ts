import { setTimeout as delay } from 'node:timers/promises';
import { CheckFailed, type Partner, type Said } from './partner.js';

export interface Check {
  readonly name: string;
  /** What the contract promises. */
  readonly promise: string;
  /** Resolves when the promise is kept; a text is why it could not be tried. @throws CheckFailed */
  readonly run: (partner: Partner, settings: CheckSettings) => Promise<string | void>;
}

export interface CheckSettings {
  /** Points of an ordinary reservation. */
  readonly points: number;
  /** A reservation that lapses later than this is not waited for. */
  readonly lapseWaitSeconds: number;
}

/** In the order of the contract (docs/guides/partner-endpoint.md). */
export const checks: readonly Check[] = [
  {
    name: 'account',
    promise: 'GET /account tells the points that can be reserved',
    run: async (partner, { points }) => {
      const available = await availableOf(partner);
      if (available < points * pointsFactor)
        throw new CheckFailed(`availablePoints is ${available}: the checks need an account with at least ${points * pointsFactor}`);
    },
  },
  {
    name: 'reserve',
    promise: 'a reservation is answered 201 with id, state, points and lapsesAt, and its points are no longer available',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        const said = await partner.reserve(id, points);
        expectAnswer('reserve', said, 201, { id, state: 'reserved', points });
        const { lapsesAt } = said.body;
        if (typeof lapsesAt !== 'string' || !/(Z|[+-]\d\d:\d\d)$/.test(lapsesAt) || !(Date.parse(lapsesAt) > Date.now()))
          throw new CheckFailed(`lapsesAt must be a time to come with its offset, but is ${show(lapsesAt)}`);
        expectAnswer('read', await partner.read(id), 200, { id, state: 'reserved', points });
      }),
  },
  {
    name: 'reserve-repeated',
    promise: 'the same id with the same points is the same reservation, answered 200',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        const first = await partner.reserve(id, points);
        expectAnswer('reserve', first, 201, { state: 'reserved' });
        const { lapsesAt } = first.body;
        expectAnswer('the second reserve', await partner.reserve(id, points), 200, { id, state: 'reserved', points, lapsesAt });
      }),
  },
  {
    name: 'reserve-other-amount',
    promise: 'the same id with other points is refused: 409 reservation-exists',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        expectAnswer('reserve', await partner.reserve(id, points), 201, {});
        expectAnswer('reserve with other points', await partner.reserve(id, points + 1), 409, { code: 'reservation-exists' });
      }),
  },
  {
    name: 'reserve-at-the-same-time',
    promise: 'the same reservation asked for eight times at once is made once',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        for (const said of await Promise.all(Array.from({ length: 8 }, () => partner.reserve(id, points))))
          expectAnswer('each reserve', said, [200, 201], { id, state: 'reserved', points });
      }),
  },
  {
    name: 'reserve-all-at-the-same-time',
    promise: 'two reservations at once that the account cannot both give: one is reserved, one refused',
    run: async (partner) => {
      const available = await availableOf(partner);
      const most = Math.floor(available / 2) + 1;
      await moving(partner, -most, async () => {
        const said = await Promise.all([partner.newId(), partner.newId()].map((id) => partner.reserve(id, most)));
        const statuses = said.map((one) => one.status).sort();
        if (statuses[0] !== 201 || statuses[1] !== 422) throw new CheckFailed(`answered ${statuses.join(' and ')} instead of 201 and 422`);
      });
    },
  },
  {
    name: 'insufficient-points',
    promise: 'more points than available are refused: 422 insufficient-points',
    run: (partner) =>
      moving(partner, 0, async () => {
        const available = await availableOf(partner);
        expectAnswer('reserve', await partner.reserve(partner.newId(), available + 1), 422, { code: 'insufficient-points' });
      }),
  },
  {
    name: 'refusal-is-final',
    promise: 'a refused id stays refused, also when the points are there again',
    run: (partner, { points }) =>
      moving(partner, 0, async () => {
        const available = await availableOf(partner);
        const [blocking, id] = [partner.newId(), partner.newId()];
        expectAnswer('reserve', await partner.reserve(blocking, points), 201, {});
        expectAnswer('reserve of all', await partner.reserve(id, available), 422, { code: 'insufficient-points' });
        expectAnswer('cancel', await partner.cancel(blocking), 200, {});
        expectAnswer('the refused reserve again', await partner.reserve(id, available), 422, { code: 'insufficient-points' });
      }),
  },
  ...amountChecks(),
  {
    name: 'malformed-json',
    promise: 'a body that is no JSON object is refused: 400',
    run: (partner) =>
      moving(partner, 0, async () => {
        for (const body of ['{"points": 5', '', '5', '[]', 'points=5'])
          expectAnswer(`the body ${show(body)}`, await partner.reserveWith(partner.newId(), body), 400, {});
      }),
  },
  {
    name: 'commit',
    promise: 'a commit is answered 200 with a receipt, and the points are taken',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        expectAnswer('reserve', await partner.reserve(id, points), 201, {});
        const said = await partner.commit(id);
        expectAnswer('commit', said, 200, { id, state: 'committed', points });
        const { receipt } = said.body;
        if (typeof receipt !== 'string' || !/^\S{1,100}$/.test(receipt))
          throw new CheckFailed(`receipt must be text of 1 to 100 characters without white space, but is ${show(receipt)}`);
        expectAnswer('read', await partner.read(id), 200, { id, state: 'committed', points, receipt });
      }),
  },
  {
    name: 'commit-repeated',
    promise: 'a second commit is answered as the first, with the same receipt, and takes nothing more',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        await partner.reserve(id, points);
        const { status, body } = await partner.commit(id);
        expectAnswer('the second commit', await partner.commit(id), status, { state: 'committed', receipt: body.receipt });
        expectAnswer('reserve after the commit', await partner.reserve(id, points), 200, { state: 'committed' });
      }),
  },
  {
    name: 'cancel',
    promise: 'a cancel is answered 200, a second one too, and the points are available again',
    run: (partner, { points }) =>
      moving(partner, 0, async () => {
        const id = partner.newId();
        await partner.reserve(id, points);
        expectAnswer('cancel', await partner.cancel(id), 200, { id, state: 'cancelled' });
        expectAnswer('the second cancel', await partner.cancel(id), 200, { id, state: 'cancelled' });
        expectAnswer('read', await partner.read(id), 200, { id, state: 'cancelled' });
      }),
  },
  {
    name: 'cancel-after-commit',
    promise: 'a cancel after the commit is refused: 409 already-committed',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        await partner.reserve(id, points);
        await partner.commit(id);
        expectAnswer('cancel', await partner.cancel(id), 409, { code: 'already-committed' });
        expectAnswer('read', await partner.read(id), 200, { state: 'committed' });
      }),
  },
  {
    name: 'commit-after-cancel',
    promise: 'a commit after the cancel is refused: 409 already-cancelled',
    run: (partner, { points }) =>
      moving(partner, 0, async () => {
        const id = partner.newId();
        await partner.reserve(id, points);
        await partner.cancel(id);
        expectAnswer('commit', await partner.commit(id), 409, { code: 'already-cancelled' });
        expectAnswer('read', await partner.read(id), 200, { state: 'cancelled' });
      }),
  },
  {
    name: 'commit-and-cancel-at-the-same-time',
    promise: 'of a commit and a cancel at once one is done and the other refused',
    run: async (partner, { points }) => {
      const before = await availableOf(partner);
      const id = partner.newId();
      await partner.reserve(id, points);
      const [commit, cancel] = await Promise.all([partner.commit(id), partner.cancel(id)]);
      const isCommitted = commit.status === 200;
      expectAnswer('commit', commit, isCommitted ? 200 : 409, isCommitted ? { state: 'committed' } : { code: 'already-cancelled' });
      expectAnswer('cancel', cancel, isCommitted ? 409 : 200, isCommitted ? { code: 'already-committed' } : { state: 'cancelled' });
      expectAvailable(await availableOf(partner), before - (isCommitted ? points : 0));
    },
  },
  {
    name: 'reserve-after-cancel',
    promise: 'a reservation that was cancelled is not made anew: 409 already-cancelled',
    run: (partner, { points }) =>
      moving(partner, 0, async () => {
        const id = partner.newId();
        await partner.reserve(id, points);
        await partner.cancel(id);
        expectAnswer('reserve', await partner.reserve(id, points), 409, { code: 'already-cancelled' });
      }),
  },
  {
    name: 'cancel-before-reserve',
    promise: 'a cancel of an id that never arrived is answered 200; the reserve that comes late is refused: 409 already-cancelled',
    run: (partner, { points }) =>
      moving(partner, 0, async () => {
        const id = partner.newId();
        expectAnswer('cancel', await partner.cancel(id), 200, { id, state: 'cancelled' });
        expectAnswer('reserve', await partner.reserve(id, points), 409, { code: 'already-cancelled' });
      }),
  },
  {
    name: 'commit-unknown',
    promise: 'a commit of an unknown id is refused: 404 unknown-reservation',
    run: (partner) =>
      moving(partner, 0, async () => expectAnswer('commit', await partner.commit(partner.newId()), 404, { code: 'unknown-reservation' })),
  },
  {
    name: 'read-unknown',
    promise: 'an unknown id is answered 404 unknown-reservation',
    run: async (partner) => expectAnswer('read', await partner.read(partner.newId()), 404, { code: 'unknown-reservation' }),
  },
  {
    name: 'token-missing',
    promise: 'without a token nothing is done or told: 401',
    run: (partner, { points }) => withoutAccess(partner, points, 'none', 401),
  },
  {
    name: 'token-wrong',
    promise: 'with a token of nobody nothing is done or told: 401',
    run: (partner, { points }) => withoutAccess(partner, points, { token: 'not-a-token-of-anybody' }, 401),
  },
  {
    name: 'token-of-the-other-kind',
    promise: 'the client’s own token reserves nothing, an account’s token ends nothing: 403',
    run: (partner, { points }) =>
      moving(partner, -points, async () => {
        const id = partner.newId();
        expectAnswer('reserve with the client’s token', await partner.reserve(partner.newId(), points, 'client'), 403, {});
        expectAnswer('reserve', await partner.reserve(id, points), 201, {});
        expectAnswer('commit with the account’s token', await partner.commit(id, 'account'), 403, {});
        expectAnswer('cancel with the account’s token', await partner.cancel(id, 'account'), 403, {});
        expectAnswer('read', await partner.read(id), 200, { state: 'reserved' });
      }),
  },
  {
    name: 'lapse',
    promise: 'a reservation that nobody ends goes back at lapsesAt',
    run: (partner, settings) =>
      lapsed(partner, settings, async (id, before) => {
        expectAnswer('read', await partner.read(id), 200, { id, state: 'lapsed' });
        expectAvailable(await availableOf(partner), before);
      }),
  },
  {
    name: 'commit-after-lapse',
    promise: 'a commit after lapsesAt is refused: 409 lapsed; a cancel is answered 200',
    run: (partner, settings) =>
      lapsed(partner, settings, async (id, before) => {
        expectAnswer('commit', await partner.commit(id), 409, { code: 'lapsed' });
        expectAnswer('cancel', await partner.cancel(id), 200, { state: 'lapsed' });
        expectAvailable(await availableOf(partner), before);
      }),
  },
  {
    name: 'problem-form',
    promise: 'every refusal is application/problem+json with a code',
    run: (partner) => {
      if (partner.formless.length) throw new CheckFailed(listed(partner.formless));
      return Promise.resolve();
    },
  },
  {
    name: 'time-limit',
    promise: 'every answer comes in time',
    run: (partner) => {
      if (partner.unanswered.length) throw new CheckFailed(listed(partner.unanswered));
      return Promise.resolve();
    },
  },
];

/** What the whole list takes and reserves at one time, in ordinary reservations. */
export const pointsFactor = 8;
/** A partner may let reservations lapse by a job that runs now and then. */
const lapseMarginMs = 3_000;
const lapseLookMs = 250;
const listedMax = 3;

function amountChecks(): Check[] {
  const wrong = [
    ['zero', 0],
    ['negative', -5],
    ['fraction', 1.5],
    ['text', '5'],
    ['null', null],
    ['too-large', 1e15],
  ] as const;
  return wrong.map(([name, points]) => ({
    name: `amount-${name}`,
    promise: `a reservation of ${show(points)} points is refused: 400`,
    run: (partner) =>
      moving(partner, 0, async () => {
        const id = partner.newId();
        expectAnswer('reserve', await partner.reserve(id, points), 400, {});
        expectAnswer('read', await partner.read(id), 404, {});
      }),
  }));
}

async function withoutAccess(partner: Partner, points: number, as: 'none' | { token: string }, status: number): Promise<void> {
  await moving(partner, -points, async () => {
    const id = partner.newId();
    expectAnswer('account', await partner.account(as), status, {});
    expectAnswer('reserve', await partner.reserve(partner.newId(), points, as), status, {});
    expectAnswer('reserve with the token', await partner.reserve(id, points), 201, {});
    expectAnswer('commit', await partner.commit(id, as), status, {});
    expectAnswer('cancel', await partner.cancel(id, as), status, {});
    expectAnswer('read', await partner.read(id, as), status, {});
  });
}

async function lapsed(
  partner: Partner,
  { points, lapseWaitSeconds }: CheckSettings,
  then: (id: string, availableBefore: number) => Promise<void>,
): Promise<string | void> {
  const before = await availableOf(partner);
  const id = partner.newId();
  const said = await partner.reserve(id, points);
  expectAnswer('reserve', said, 201, {});
  const waitMs = Date.parse(String(said.body.lapsesAt)) - Date.now();
  if (!(waitMs <= lapseWaitSeconds * 1_000))
    return `lapsesAt is ${Math.round(waitMs / 1_000)} s away, ${lapseWaitSeconds} s are waited: shorten it in your test system, or wait longer with --lapse-wait`;
  await delay(Math.max(waitMs, 0));
  const until = Date.now() + lapseMarginMs;
  while ((await partner.read(id)).body.state === 'reserved' && Date.now() < until) await delay(lapseLookMs);
  await then(id, before);
}

/** The account has so many points more or fewer afterwards, and has them back once what is left reserved was cancelled. */
async function moving(partner: Partner, change: number, work: () => Promise<void>): Promise<void> {
  const before = await availableOf(partner);
  await work();
  expectAvailable(await availableOf(partner), before + change);
}

async function availableOf(partner: Partner): Promise<number> {
  const said = await partner.account();
  const { availablePoints } = said.body;
  if (said.status !== 200 || !Number.isSafeInteger(availablePoints))
    throw new CheckFailed(
      `GET /account must answer 200 with a whole number availablePoints, but answered ${said.status} ${show(said.body)}`,
    );
  return availablePoints as number;
}

function expectAvailable(available: number, expected: number): void {
  if (available !== expected) throw new CheckFailed(`availablePoints is ${available} and should be ${expected}`);
}

function expectAnswer(what: string, said: Said, status: number | readonly number[], fields: Readonly<Record<string, unknown>>): void {
  const statuses = typeof status === 'number' ? [status] : status;
  const wrong = Object.entries(fields).filter(([name, value]) => said.body[name] !== value);
  if (statuses.includes(said.status) && wrong.length === 0) return;
  const expected = [statuses.join(' or '), ...Object.entries(fields).map(([name, value]) => `${name} ${show(value)}`)].join(', ');
  throw new CheckFailed(`${what}: expected ${expected}, but was answered ${said.status} ${show(said.body)}`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 300);
}

function listed(lines: readonly string[]): string {
  const rest = lines.length - listedMax;
  return [...lines.slice(0, listedMax), ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}
