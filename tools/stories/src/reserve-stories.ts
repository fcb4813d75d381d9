import { randomUUID } from 'node:crypto';
import { addDays, jstDateOf, parseInstant } from '@points/kernel';
import { eventually } from '@points/testing';
import type { TheCloud } from './the-cloud.js';

interface Balance {
  readonly posted: number;
  readonly held: number;
  readonly lots: readonly {
    readonly source: string;
    readonly remaining: number;
    readonly grantedAt: string;
    readonly expiresAt: string | null;
    readonly lastChoiceDay?: string;
  }[];
}

interface Resident {
  readonly holder: string;
  readonly myKeyId: string;
}

interface Reserve {
  readonly waiting: number;
  readonly underWay: number;
  readonly arrivals: readonly { readonly lastDay: string; readonly remaining: number; readonly state: string }[];
  readonly allocations: readonly { readonly automatic: boolean; readonly parts: readonly object[] }[];
}

const [reserve, utsunomiya, owariasahi] = ['000001-reserve', '092011-utsunomiya', '232262-owariasahi'];
/** As the reserve, but it takes times of the past: nobody waits for 15 days. */
const reserveOfThePast = '000001-past';
/** As the reserve, but what was given away before its partner took it back is owed. */
const reserveOfDebts = '000001-debts';
/** Its period is over since 2018. */
const closed = '141305-trial';

/** Points that arrive without a municipality (留保), in the exchange's view and in the ledger's books. */
export function reserveStories(cloud: () => TheCloud): void {
  const at = (programme: string) => `/v1/municipalities/${programme.slice(0, 6)}/programmes/${programme}`;
  const aResident = async () => (await cloud().ask('identity', 'POST', '/v1/municipalities/092011/holders', {})) as unknown as Resident;
  const arrive = ({ myKeyId }: Resident, programme: string, order: { partner: string; partnerPoints: number; acceptedAt?: string }) =>
    eventually(async () => {
      const { status, body } = await cloud().reply('exchange', 'POST', `${at(programme)}/exchange-orders`, {
        ...{ orderId: randomUUID(), myKeyId },
        ...order,
      });
      // The exchange service hears of a new resident over Kafka.
      if (body.code === 'unknown-my-key-id') return false;
      expect([status, body.state]).toEqual([201, 'completed']);
      return body;
    });
  const allocate = ({ myKeyId }: Resident, programme: string, parts: readonly object[]) =>
    cloud().ask('exchange', 'POST', `${at(programme)}/reserve/allocations`, { allocationId: randomUUID(), myKeyId, parts });
  const viewOf = async ({ myKeyId }: Resident, programme: string) =>
    (await cloud().ask('exchange', 'GET', `${at(programme)}/reserve?myKeyId=${myKeyId}`)) as unknown as Reserve;
  const balance = async ({ holder }: Resident, programme: string) =>
    (await cloud().ask('ledger', 'GET', `${at(programme)}/holders/${holder}/balance`)) as unknown as Balance;
  const lots = (of: Balance) => of.lots.map(({ source, remaining }) => [source, remaining]);
  /** What the reserve has paid to a programme, to anybody: stories share the cloud. */
  const paid = async (programme: string) =>
    (await cloud().ask('ledger', 'GET', `${at(reserve)}/accounts/${encodeURIComponent(`scheme:${programme}`)}/balance`)).balance as number;

  const openReserve = async (programme: string, { historyOpen = false, ...rules }: { historyOpen?: boolean; reverseOfSpent?: 'debt' }) => {
    await cloud().ask('ledger', 'PUT', at(programme), {
      ...{ name: '地域経済応援ポイント', firstDay: '2017-09-25', historyOpen },
      rules: { expiry: { kind: 'none' }, usableAt: [], reserve: true, ...rules },
    });
    await cloud().ask('exchange', 'PUT', `${at(programme)}/reserve`);
    const rate = { numerator: 1, denominator: 1 };
    await cloud().ask('exchange', 'PUT', `${at(programme)}/partners/mobile-a`, {
      name: '通信会社A',
      rate,
      lotPartnerPoints: 1,
      reversalDays: 30,
    });
  };

  it('points of two partners become one balance in the reserve, which its holder splits over two municipalities', async () => {
    const hanako = await aResident();
    const paidBefore = [await paid(utsunomiya), await paid(owariasahi)];
    await arrive(hanako, reserve, { partner: 'card-a', partnerPoints: 500 });
    await arrive(hanako, reserve, { partner: 'airline-a', partnerPoints: 1_000 });
    const pooled = await balance(hanako, reserve);
    expect([pooled.posted, lots(pooled)]).toEqual([
      2_000,
      [
        ['partner:card-a', 500],
        ['partner:airline-a', 1_500],
      ],
    ]);
    expect(pooled.lots.map(({ lastChoiceDay }) => lastChoiceDay)).toEqual(
      pooled.lots.map(({ grantedAt }) => addDays(jstDateOf(parseInstant(grantedAt)), 14)),
    );
    const parts = [
      { programme: utsunomiya, points: 700 },
      { programme: owariasahi, points: 900 },
    ];

    await allocate(hanako, reserve, parts);

    const { allocations } = await eventually(async () => {
      const view = await viewOf(hanako, reserve);
      return view.underWay === 0 && view;
    });
    expect(allocations).toMatchObject([{ automatic: false, parts: parts.map((part) => ({ ...part, state: 'completed' })) }]);
    const [left, miya, asahi] = [await balance(hanako, reserve), await balance(hanako, utsunomiya), await balance(hanako, owariasahi)];
    expect([left.posted, left.held, lots(left)]).toEqual([400, 0, [['partner:airline-a', 400]]]);
    expect([lots(miya), lots(asahi)]).toEqual([[[`partner:${reserve}`, 700]], [[`partner:${reserve}`, 900]]]);
    // The target's own rules: those of Owariasahi live 300 days from the day on which they came there.
    expect(
      asahi.lots.map(
        ({ expiresAt, grantedAt }) => jstDateOf(parseInstant(String(expiresAt))) === addDays(jstDateOf(parseInstant(grantedAt)), 301),
      ),
    ).toEqual([true]);
    expect([(await paid(utsunomiya)) - (paidBefore[0] ?? 0), (await paid(owariasahi)) - (paidBefore[1] ?? 0)]).toEqual([700, 900]);
  });

  it('a municipality whose period is over takes none, and the held points are whole again', async () => {
    const taro = await aResident();
    await arrive(taro, reserve, { partner: 'mobile-a', partnerPoints: 300 });

    await allocate(taro, reserve, [
      { programme: closed, points: 200 },
      { programme: utsunomiya, points: 100 },
    ]);

    const { waiting, allocations } = await eventually(async () => {
      const view = await viewOf(taro, reserve);
      return view.underWay === 0 && view;
    });
    expect(waiting).toBe(200);
    expect(allocations).toMatchObject([
      {
        parts: [
          { programme: closed, state: 'refused', refusal: { code: 'outside-period' } },
          { programme: utsunomiya, state: 'completed' },
        ],
      },
    ]);
    expect(await balance(taro, reserve)).toMatchObject({ posted: 200, held: 0, available: 200 });
    expect([(await balance(taro, utsunomiya)).posted, (await balance(taro, closed)).posted]).toEqual([100, 0]);
  });

  it('what nobody chose for goes to the base programme on the 15th day, 00:00 in Tokyo; what came two days later still waits', async () => {
    await openReserve(reserveOfThePast, { historyOpen: true });
    const today = jstDateOf(parseInstant(new Date().toISOString()));
    const jiro = await aResident();
    const arriveBefore = (days: number, partnerPoints: number) =>
      arrive(jiro, reserveOfThePast, { partner: 'mobile-a', partnerPoints, acceptedAt: `${addDays(today, -days)}T23:59:59+09:00` });
    await arriveBefore(15, 800);
    await arriveBefore(13, 50);
    // One answer says which points are in the reserve, and until when.
    expect((await balance(jiro, reserveOfThePast)).lots).toMatchObject([
      { remaining: 800, lastChoiceDay: addDays(today, -1) },
      { remaining: 50, lastChoiceDay: addDays(today, 1) },
    ]);
    // Nobody has told where to: the points are kept.
    expect((await viewOf(jiro, reserveOfThePast)).arrivals).toMatchObject([
      { remaining: 800, lastDay: addDays(today, -1), state: 'waits-for-base-programme' },
      { remaining: 50, lastDay: addDays(today, 1), state: 'to-choose' },
    ]);

    await cloud().ask('exchange', 'PUT', `${at(reserveOfThePast)}/reserve/base-programmes/${jiro.myKeyId}`, { programme: owariasahi });

    await eventually(async () => expect(lots(await balance(jiro, owariasahi))).toEqual([[`partner:${reserveOfThePast}`, 800]]), {
      timeoutMs: 40_000,
    });
    await eventually(async () =>
      expect(await viewOf(jiro, reserveOfThePast)).toMatchObject({
        ...{ waiting: 50, underWay: 0 },
        allocations: [{ automatic: true, parts: [{ programme: owariasahi, points: 800, state: 'completed' }] }],
      }),
    );
    expect(await balance(jiro, reserveOfThePast)).toMatchObject({ posted: 50, held: 0 });
  });

  it('what was given away before its partner took it back is owed, and the next points pay before they wait', async () => {
    await openReserve(reserveOfDebts, { reverseOfSpent: 'debt' });
    const shiro = await aResident();
    const { orderId } = await arrive(shiro, reserveOfDebts, { partner: 'mobile-a', partnerPoints: 1_000 });
    await allocate(shiro, reserveOfDebts, [{ programme: utsunomiya, points: 600 }]);
    await eventually(async () => expect(await viewOf(shiro, reserveOfDebts)).toMatchObject({ waiting: 400, underWay: 0 }));

    const reversals = `${at(reserveOfDebts)}/partners/mobile-a/exchange-orders/${String(orderId)}/reversals`;
    const reversed = await cloud().ask('exchange', 'POST', reversals, { reason: 'mistake' });
    const emptied = [await balance(shiro, reserveOfDebts), await viewOf(shiro, reserveOfDebts)];
    await arrive(shiro, reserveOfDebts, { partner: 'mobile-a', partnerPoints: 700 });

    expect(reversed).toMatchObject({ state: 'reversed', reversal: { taken: { takenBack: 400, owed: 600 } } });
    expect(emptied).toMatchObject([
      { posted: 0, lots: [] },
      { waiting: 0, arrivals: [] },
    ]);
    expect(await balance(shiro, reserveOfDebts)).toMatchObject({ posted: 100, held: 0, available: 100 });
    expect(await viewOf(shiro, reserveOfDebts)).toMatchObject({ waiting: 100, arrivals: [{ points: 700, remaining: 100 }] });
  });
}
