import { referenceModel, startOfTokyoDay, tokyoDay, type ModelConversion, type ModelExchange } from './reference-model.js';

export interface TrialSize {
  readonly seed: number;
  readonly municipality: string;
  readonly persons: number;
  readonly exchanges: number;
  readonly conversions: number;
  /** So many rows that must be refused are mixed in. */
  readonly bad: number;
}

/** Name and content of the files of a trial folder. `bad-rows.json` lists the lines that a replay must report. */
export type GeneratedTrial = ReadonlyMap<string, string>;

interface Line {
  readonly cells: readonly string[];
  readonly isBad: boolean;
}

/**
 * Makes a trial that looks for trouble: lines in no order, times with all kinds of offsets, lots used in their last millisecond,
 * rows of one person at the same instant, whole and partial conversions, rows that stand twice. The same seed gives the same trial.
 */
export function generateTrial(size: TrialSize): GeneratedTrial {
  const random = generator(size.seed);
  const validityDays = random.between(20, 160);
  const firstDay = tokyoDay(Date.UTC(2017, random.between(0, 11), random.between(1, 28)));
  const lastDay = firstDay + random.between(90, 500);
  const scheme = random.pick(['ブレカ', 'ひまわりカード', 'street-card']);
  const partners = partnerRates.slice(0, random.between(2, partnerRates.length));
  const people = Array.from({ length: size.persons }, () => random.text(8));
  const model = referenceModel({ validityDays, firstDay, lastDay });

  const duringPeriod = () => {
    const day = startOfTokyoDay(random.between(firstDay, lastDay));
    return (
      day +
      random.pick([0, dayMs - 1, dayMs - 1_000, random.between(0, dayMs - 1), Math.floor(random.between(0, dayMs - 1) / 1_000) * 1_000])
    );
  };
  const outsidePeriod = () =>
    random.pick([startOfTokyoDay(firstDay) - 1, startOfTokyoDay(lastDay + 1), startOfTokyoDay(firstDay) - random.between(1, 30) * dayMs]);

  const exchangeLines: Line[] = [];
  const wishes: (ModelExchange | (Omit<ModelConversion, 'points'> & { readonly isBad: boolean }))[] = [];
  for (let n = 0; n < size.exchanges; n++) {
    const partner = random.pick(partners);
    const person = random.pick(people);
    const lots = random.between(1, 60);
    const partnerPoints = lots * partner.lot;
    const exchange: ModelExchange = {
      kind: 'exchange',
      id: random.id('EX'),
      person,
      points: Math.floor((partnerPoints * partner.numerator) / partner.denominator),
      ms: duringPeriod(),
    };
    wishes.push(exchange);
    const cells = [exchange.id, person, partner.partner, String(partnerPoints), String(exchange.points)];
    exchangeLines.push({ cells: [...cells, random.time(exchange.ms)], isBad: false });
    // Now and then the same row again, with its time written in another way: no mistake, and booked once.
    if (random.chance(0.03)) exchangeLines.push({ cells: [...cells, random.time(exchange.ms)], isBad: false });
  }
  for (let n = 0; n < size.bad; n++) {
    const [partner, person, time] = [random.pick(partners), random.pick(people), random.time(duringPeriod())];
    const [id, partnerPoints, points] = [
      random.id('EX'),
      partner.lot * 2,
      Math.floor((partner.lot * 2 * partner.numerator) / partner.denominator),
    ];
    const good: Record<string, string> = {
      id,
      person,
      partner: partner.partner,
      partnerPoints: String(partnerPoints),
      points: String(points),
      time,
    };
    const wrong = random.pick<Record<string, string>>([
      { partner: 'nobody-known' },
      { points: String(points + 1) },
      ...(partner.lot > 1 ? [{ partnerPoints: String(partnerPoints - 1) }] : []),
      { time: random.time(outsidePeriod()) },
      { time: '2018-02-30T10:00:00+09:00' },
      { time: '2018-02-20T10:00:00' },
      { person: 'SHORT' },
      { points: `${points}.0` },
      { partnerPoints: '-100' },
      { points: '' },
    ]);
    exchangeLines.push({ cells: Object.values({ ...good, ...wrong }), isBad: true });
  }

  const exchanges = wishes.filter((row) => row.kind === 'exchange');
  for (let n = 0; n < size.conversions; n++) {
    const about = random.pick(exchanges);
    // The instant of an exchange itself, the last millisecond of its lot, or any time.
    const lastMs = startOfTokyoDay(tokyoDay(about.ms) + validityDays + 1) - 1;
    const ms = random.pick([
      about.ms,
      lastMs,
      lastMs,
      duringPeriod(),
      Math.min(lastMs, about.ms + random.between(1, validityDays) * dayMs),
    ]);
    if (tokyoDay(ms) <= lastDay) wishes.push({ kind: 'conversion', id: random.id('CV'), person: about.person, ms, isBad: false });
  }
  for (let n = 0; n < size.bad; n++) {
    const about = random.pick(exchanges);
    // The first instant after a lot's end, or any time: what is asked for is more than there is.
    const over = startOfTokyoDay(tokyoDay(about.ms) + validityDays + 1);
    wishes.push({
      kind: 'conversion',
      id: random.id('CV'),
      person: about.person,
      ms: tokyoDay(over) <= lastDay ? random.pick([over, duringPeriod()]) : duringPeriod(),
      isBad: true,
    });
  }

  const conversionLines: Line[] = [];
  wishes.sort((a, b) => a.ms - b.ms || Number(a.kind === 'conversion') - Number(b.kind === 'conversion') || (a.id < b.id ? -1 : 1));
  for (const wish of wishes) {
    if (wish.kind === 'exchange') {
      model.book(wish);
      continue;
    }
    const balance = model.balance(wish.person, wish.ms);
    if (balance === 0 && !wish.isBad) continue;
    const points = wish.isBad
      ? balance + random.pick([1, random.between(1, 5_000)])
      : random.pick([balance, balance, random.between(1, balance)]);
    const conversion: ModelConversion = { kind: 'conversion', id: wish.id, person: wish.person, points, ms: wish.ms };
    if (model.book(conversion) === wish.isBad) throw new Error(`assertion failed: the model disagrees with its own balance at ${wish.id}`);
    conversionLines.push({ cells: [wish.id, wish.person, String(points), random.time(wish.ms)], isBad: wish.isBad });
    if (!wish.isBad && random.chance(0.03))
      conversionLines.push({ cells: [wish.id, wish.person, String(points), random.time(wish.ms)], isBad: false });
  }

  const period = [isoDay(firstDay), isoDay(lastDay)];
  const name = `試験ポイント ${size.seed}`;
  const exchangesFile = csv('order_id,my_key_id,partner,partner_points,municipal_points,accepted_at', random.shuffle(exchangeLines));
  const conversionsFile = csv('conversion_id,my_key_id,points,converted_at', random.shuffle(conversionLines));
  const badRows = [
    ...exchangesFile.badLines.map((line) => ({ file: 'exchanges.csv', line })),
    ...conversionsFile.badLines.map((line) => ({ file: 'conversions.csv', line })),
  ];
  return new Map([
    [
      'programme.json',
      json({ municipality_code: size.municipality, name, period, validity_days: validityDays, conversion_scheme: scheme }),
    ],
    [
      'partners.csv',
      csv(
        'partner,rate_numerator,rate_denominator,lot_partner_points',
        partners.map((one) => ({ cells: Object.values(one).map(String), isBad: false })),
      ).text,
    ],
    ['exchanges.csv', exchangesFile.text],
    ['conversions.csv', conversionsFile.text],
    [
      'expected.json',
      json({ municipality_code: size.municipality, program: name, period, validity_days: validityDays, ...model.report() }),
    ],
    ['bad-rows.json', json(badRows)],
  ]);
}

/** Every lot gives a whole number of municipal points. */
const partnerRates = [
  { partner: 'card-a', numerator: 1, denominator: 1, lot: 500 },
  { partner: 'card-b', numerator: 5, denominator: 1, lot: 200 },
  { partner: 'railway-a', numerator: 8, denominator: 10, lot: 100 },
  { partner: 'mobile-a', numerator: 1, denominator: 1, lot: 1 },
  { partner: 'mile-a', numerator: 3, denominator: 7, lot: 7 },
  { partner: 'stamp-a', numerator: 1, denominator: 100, lot: 300 },
] as const;

const dayMs = 86_400_000;

function isoDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function csv(header: string, lines: readonly Line[]): { text: string; badLines: number[] } {
  const text = [header, ...lines.map((line) => line.cells.join(',')), ''].join('\n');
  return { text, badLines: lines.flatMap((line, index) => (line.isBad ? [index + 2] : [])) };
}

/** mulberry32: small, and the same on every machine. */
function generator(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(from: readonly T[]): T => {
    const chosen = from[between(0, from.length - 1)];
    if (chosen === undefined) throw new RangeError('there is nothing to pick from');
    return chosen;
  };
  const text = (length: number) => Array.from({ length }, () => pick(Array.from('23456789ABCDEFGHJKLMNPQRSTUVWXYZ'))).join('');
  return {
    between,
    pick,
    text,
    chance: (share: number) => next() < share,
    id: (prefix: string) => `${prefix}-${text(10)}`,
    /** The instant, written with one of the offsets that people use. */
    time: (ms: number) => {
      const [offset, minutes] = pick([
        ['+09:00', 540],
        ['+09:00', 540],
        ['Z', 0],
        ['-05:00', -300],
        ['+05:30', 330],
      ] as const);
      const written = new Date(ms + minutes * 60_000).toISOString().slice(0, -1);
      return `${written.endsWith('.000') ? written.slice(0, -4) : written}${offset}`;
    },
    shuffle: <T>(list: readonly T[]): T[] => {
      const shuffled = [...list];
      for (let at = shuffled.length - 1; at > 0; at--) {
        const other = between(0, at);
        // Both indexes lie inside the list.
        [shuffled[at], shuffled[other]] = [shuffled[other] as T, shuffled[at] as T];
      }
      return shuffled;
    },
  };
}
