import { randomUUID } from 'node:crypto';
import { addDays, jstDateOf, parseInstant } from '@points/kernel';
import { eventually } from '@points/testing';
import type { TheCloud } from './the-cloud.js';

interface Lot {
  readonly source: string;
  readonly remaining: number;
  readonly expiresAt: string | null;
}

/** The worked examples of the partners' guide: Utsunomiya, where ratios differ by partner, and Owariasahi, where points live 300 days. */
export function partnerStories(cloud: () => TheCloud): void {
  const aResident = async (municipality: string) =>
    (await cloud().ask('identity', 'POST', `/v1/municipalities/${municipality}/holders`, {})) as { holder: string; myKeyId: string };
  const of = (programme: string) => `/v1/municipalities/${programme.slice(0, 6)}/programmes/${programme}`;
  /** The first of the two steps. The exchange service hears of a new resident over Kafka. */
  const quote = (programme: string, asked: { partner: string; myKeyId: string; partnerPoints: number }) =>
    eventually(async () => {
      const { status, body } = await cloud().reply('exchange', 'POST', `${of(programme)}/quotes`, asked);
      if (body.code === 'unknown-my-key-id' || body.points === undefined) return false;
      expect(status).toBe(201);
      return body;
    });
  const place = async (programme: string, myKeyId: string, quoted: Record<string, unknown>) => {
    const { quote: id, partner, partnerPoints } = quoted;
    const { status, body } = await cloud().reply('exchange', 'POST', `${of(programme)}/exchange-orders`, {
      ...{ orderId: randomUUID(), myKeyId, partner, partnerPoints, quote: id },
    });
    expect([status, body.state]).toEqual([201, 'completed']);
    return body;
  };
  const balance = async (programme: string, holder: string) =>
    (await cloud().ask('ledger', 'GET', `${of(programme)}/holders/${holder}/balance`)) as { available: number; lots: Lot[] };

  it('Utsunomiya: points of six partners, each at its own ratio, become one balance, and nothing is lost between the companies', async () => {
    const programme = '092011-utsunomiya';
    const { holder, myKeyId } = await aResident('092011');
    const asked = [
      { partner: 'card-a', partnerPoints: 700, taken: 500, given: 500 },
      { partner: 'card-b', partnerPoints: 200, taken: 200, given: 1_000 },
      { partner: 'card-c', partnerPoints: 399, taken: 300, given: 1_350 },
      { partner: 'airline-a', partnerPoints: 1_000, taken: 1_000, given: 1_500 },
      { partner: 'power-a', partnerPoints: 100, taken: 100, given: 80 },
      { partner: 'railway-a', partnerPoints: 135, taken: 130, given: 91 },
    ];

    for (const { partner, partnerPoints, taken, given } of asked) {
      const quoted = await quote(programme, { partner, myKeyId, partnerPoints });
      expect(quoted).toMatchObject({ partnerPoints: taken, leftPartnerPoints: partnerPoints - taken, municipalPoints: given });
      expect(await place(programme, myKeyId, quoted)).toMatchObject({ partnerPoints: taken, municipalPoints: given });
    }

    const { available, lots } = await balance(programme, holder);
    expect(available).toBe(4_521);
    const bySource = Object.fromEntries(lots.map(({ source, remaining }) => [source, remaining]));
    expect(bySource).toEqual(Object.fromEntries(asked.map(({ partner, given }) => [`partner:${partner}`, given])));
  });

  it('Owariasahi: a person from elsewhere exchanges mobile and power points, and knows before that they live 300 days', async () => {
    const programme = '232262-owariasahi';
    const { holder, myKeyId } = await aResident('141305');

    const quotes = [
      await quote(programme, { partner: 'mobile-a', myKeyId, partnerPoints: 123 }),
      await quote(programme, { partner: 'power-a', myKeyId, partnerPoints: 250 }),
    ];
    const placed = [];
    for (const quoted of quotes) placed.push(await place(programme, myKeyId, quoted));

    const lastDayOf = (at: unknown) => addDays(jstDateOf(parseInstant(String(at))), 300);
    expect(quotes.map(({ points }) => points)).toEqual(
      quotes.map(({ quotedAt }) => ({
        name: 'あいち尾張旭市ポイント',
        lastDay: lastDayOf(quotedAt),
        isRenewedByUse: false,
        usableAt: ['mailorder:232262'],
      })),
    );
    const { available, lots } = await balance(programme, holder);
    expect(available).toBe(323);
    // A lot ends when the day after its last one begins.
    expect(lots.map(({ expiresAt }) => addDays(jstDateOf(parseInstant(String(expiresAt))), -1))).toEqual(
      placed.map(({ bookedAt }) => lastDayOf(bookedAt)),
    );
  });
}
