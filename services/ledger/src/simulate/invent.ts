import { points, type Instant, type ProgrammeId } from '@points/kernel';
import type { AnyRequest } from '../post/request.js';
import type { AnyInstruction, Use } from '../rules/instruction.js';
import { dayAfter, lasting, nowhere, places } from './invent-programme.js';
import { balanceOf, type Books, type ModelAccount, type ModelProgramme } from './model-books.js';
import { freeAt } from './model-lots.js';
import { iso } from './model-time.js';
import type { Random } from './random.js';

/** What an invented request may be about. */
export interface Occasion {
  readonly random: Random;
  readonly books: Books;
  readonly clock: number;
  readonly programme: ModelProgramme;
  /** Holders of the programme that may ask and receive. */
  readonly holders: readonly string[];
  /** Requests that were settled in earlier rounds. */
  readonly settled: readonly AnyRequest[];
  /** Requests of the same round; those of the same account may come again. */
  readonly round: readonly AnyRequest[];
  /** Some ask to be told by event. */
  readonly announces: boolean;
}

/** A request that has a good chance of being accepted, or of being refused for a reason worth trying. */
export function invent(occasion: Occasion): AnyRequest {
  const { random, round, settled, holders, programme } = occasion;
  if (random.chance(0.04)) {
    const again = round.filter((one) => one.programme === programme.id && holders.includes(one.account));
    if (again.length > 0) return repeat(occasion, random.pick(again), false);
  }
  if (random.chance(0.06)) {
    const again = settled.filter((one) => one.programme === programme.id && holders.includes(one.account));
    if (again.length > 0) return repeat(occasion, random.pick(again), true);
  }
  return fresh(occasion);
}

/** The same wish in other words, or the same reference with another wish. */
function repeat(occasion: Occasion, before: AnyRequest, mayMove: boolean): AnyRequest {
  const { random, holders } = occasion;
  const { instruction } = before;
  if (random.chance(0.7)) {
    const same = {
      ...instruction,
      ...('places' in instruction && { places: [...instruction.places].reverse() }),
      ...(instruction.kind === 'capture' && instruction.use === undefined && { use: 'spend' as const }),
    };
    return { ...before, instruction: same, actor: 'simulation:again' };
  }
  if (mayMove && random.chance(0.3)) return { ...before, account: random.pick(holders) };
  if (random.chance(0.3)) return { ...fresh(occasion), account: before.account, reference: before.reference };
  return 'amount' in instruction
    ? { ...before, instruction: { ...instruction, amount: points(Math.max(1, instruction.amount - 1)) } }
    : { ...before, instruction: { kind: 'release', hold: random.uuid() } };
}

function fresh(occasion: Occasion): AnyRequest {
  const { random, programme, holders, clock, announces } = occasion;
  const account = random.pick(holders);
  const own = programme.accounts.get(account);
  const instruction = inventInstruction(occasion, account, own);
  const effectiveAt = inventTime(random, programme, own, clock);
  return {
    reference: `simulation:${random.uuid()}`,
    // Made from an id that was checked.
    programme: random.chance(0.002) ? nowhere : (programme.id as ProgrammeId),
    account,
    instruction,
    actor: 'simulation',
    // Extensions are of now, and the ledger's own job asks for them.
    ...(instruction.kind === 'extend' ? { internal: true } : effectiveAt !== undefined && { effectiveAt }),
    ...(announces && random.chance(0.3) && { announce: { requester: 'simulation' } }),
  };
}

/** Mostly none. Programmes that take history in get times of the last weeks, and everybody now and then what he may not choose. */
function inventTime(random: Random, programme: ModelProgramme, own: ModelAccount | undefined, clock: number): Instant | undefined {
  if (!random.chance(programme.historyOpen ? 0.4 : 0.005)) return undefined;
  const ends = own?.lots.flatMap((lot) => (lot.end === null ? [] : [lot.end])) ?? [];
  const at = random.weighed([
    [6, clock - random.whole(0, 20 * dayMs)],
    [3, clock - random.whole(0, 60_000)],
    [2, ends.length > 0 ? random.pick(ends) - random.whole(0, 1) : clock],
    [1, clock + random.whole(1, 10_000)],
  ]);
  // Formed by toISOString.
  return iso(at) as Instant;
}

function inventInstruction(occasion: Occasion, account: string, own: ModelAccount | undefined): AnyInstruction {
  const { random, programme } = occasion;
  const holds = Object.keys(own?.holds ?? {});
  const uses = Object.keys(own?.uses ?? {});
  const grants = Object.keys(own?.grants ?? {});
  const kind = random.weighed<AnyInstruction['kind']>([
    [24, 'issue'],
    [22, 'spend'],
    [4, 'convert'],
    [4, 'donate'],
    [13, 'hold'],
    [holds.length > 0 ? 13 : 1, 'capture'],
    [holds.length > 0 ? 7 : 1, 'release'],
    [uses.length > 0 ? 11 : 1, 'refund'],
    [6, 'transfer'],
    [3, 'adjust'],
    [grants.length > 0 ? 4 : 1, 'reverse'],
    [2, 'extend'],
  ]);
  switch (kind) {
    case 'issue': {
      const source = random.pick(['partner:air', 'partner:card', 'municipality']);
      const funding = source === 'municipality' ? 'free' : 'paid';
      const isHuge = programme.id === lasting && account === occasion.holders[0] && random.chance(0.05);
      const room = Number.MAX_SAFE_INTEGER - (own ? balanceOf(own) : 0);
      return { kind, source, funding, amount: possible(isHuge ? room - random.whole(-1, 20) : random.whole(1, 200)) };
    }
    case 'spend':
    case 'convert':
    case 'donate': {
      const at = inventPlaces(random);
      return { kind, amount: around(random, free(occasion, own, at)), to: receiver(random, kind), places: at };
    }
    case 'hold': {
      const at = inventPlaces(random);
      // Another holder's hold id is as good as any.
      const strangers = [...programme.accounts.values()].flatMap((other) => Object.keys(other.holds).slice(-1));
      const id =
        random.chance(0.03) && holds.length > 0
          ? random.pick(holds)
          : random.chance(strangerHoldChance) && strangers.length > 0
            ? random.pick(strangers)
            : random.uuid();
      const until = random.weighed([
        [3, undefined],
        [4, random.whole(1, 4 * 3_600_000)],
        [2, random.whole(0, 5 * dayMs)],
        [1, random.whole(10 * dayMs, 40 * dayMs)],
        [0.3, 0],
      ]);
      return {
        kind,
        hold: id,
        amount: around(random, free(occasion, own, at)),
        places: at,
        // Formed by toISOString.
        ...(until !== undefined && { expiresAt: iso(occasion.clock + until) as Instant }),
      };
    }
    case 'capture': {
      const id = pickHold(random, own, occasion.clock);
      const found = own?.holds[id];
      const use = random.weighed<Use | undefined>([
        [6, undefined],
        [1, 'spend'],
        [1, 'convert'],
        [1, 'donate'],
      ]);
      return {
        kind,
        hold: id,
        amount: around(random, found ? found.amount - found.captured : 10),
        final: random.chance(0.5),
        to: receiver(random, use ?? 'spend'),
        ...(use !== undefined && { use }),
      };
    }
    case 'release':
      return { kind, hold: pickHold(random, own, occasion.clock) };
    case 'refund': {
      const of = uses.length > 0 && random.chance(0.97) ? random.pick(uses.slice(-12)) : `simulation:${random.uuid()}`;
      const found = own?.uses[of];
      return { kind, of, amount: around(random, found ? found.amount - found.refunded : 10) };
    }
    case 'adjust': {
      const direction = random.pick<'add' | 'take'>(['add', 'take']);
      const amount = direction === 'add' ? possible(random.whole(1, 80)) : around(random, free(occasion, own, 'anywhere'));
      return { kind, direction, amount, funding: random.pick<'paid' | 'free'>(['paid', 'free']) };
    }
    case 'reverse':
      return { kind, of: grants.length > 0 && random.chance(0.95) ? random.pick(grants.slice(-8)) : `simulation:${random.uuid()}` };
    case 'extend':
      return inventExtension(occasion, own);
    case 'transfer': {
      const to = random.chance(0.03) ? 'merchant:shop-1' : random.chance(0.05) ? account : random.pick(occasion.holders);
      return { kind, to, amount: around(random, free(occasion, own, 'anywhere')) };
    }
  }
}

/** Of lots that end around a day that some lot ends with: to that day, past it, or by days. */
function inventExtension({ random, clock }: Occasion, own: ModelAccount | undefined): AnyInstruction {
  const ends = own?.lots.flatMap((lot) => (lot.end === null ? [] : [lot.end])) ?? [];
  const end = ends.length > 0 ? random.pick(ends.slice(-12)) : clock;
  // Times formed by toISOString.
  const instant = (at: number) => iso(at) as Instant;
  return {
    kind: 'extend',
    extension: random.uuid(),
    meant: {
      grantedBy: instant(clock - (random.chance(0.2) ? random.whole(0, 5 * dayMs) : 0)),
      ...(random.chance(0.3) && { endsAfter: instant(end - random.whole(0, 2) * dayMs) }),
      ...(random.chance(0.3) && { endsBy: instant(end + random.whole(0, 2) * dayMs) }),
      ...(random.chance(0.2) && { source: random.pick(['partner:*', 'partner:air', 'municipality']) }),
      ...(random.chance(0.2) && { funding: random.pick<'paid' | 'free'>(['paid', 'free']) }),
    },
    later: random.chance(0.5) ? { days: random.whole(1, 10) } : { lastDay: dayAfter(end, random.whole(-2, 5)) },
  };
}

/** All of it, a point more or less, or some of it. */
function around(random: Random, amount: number) {
  const wanted = random.weighed([
    [2, amount],
    [1, amount + 1],
    [1, amount - 1],
    [6, random.whole(1, Math.max(1, Math.min(amount, 300)))],
    [1, random.whole(1, 500)],
    [0.05, Number.MAX_SAFE_INTEGER],
  ]);
  return possible(wanted);
}

function possible(amount: number) {
  return points(Math.min(Math.max(1, amount), Number.MAX_SAFE_INTEGER));
}

function free({ books, clock }: Occasion, own: ModelAccount | undefined, at: readonly string[] | 'anywhere'): number {
  return own ? freeAt(books, own, Math.max(clock, own.latest), at) : 0;
}

function inventPlaces(random: Random): string[] {
  return random.chance(0.5) ? [...places] : places.filter(() => random.chance(0.4));
}

function receiver(random: Random, kind: Use): string {
  if (random.chance(0.01))
    return random.pick([
      'holder:00000000-0000-4000-8000-000000000000',
      'issued:partner:air',
      'expired',
      'merchant:shop-1',
      'transfers:between-holders',
    ]);
  if (kind === 'convert') return random.pick(['scheme:blue', 'scheme:red']);
  return kind === 'donate'
    ? random.pick(['fund:forest', 'fund:school'])
    : random.pick(['merchant:shop-1', 'merchant:shop-2', 'product:rice', 'facility:pool']);
}

/** Mostly one that is open. */
function pickHold(random: Random, own: ModelAccount | undefined, clock: number): string {
  const holds = Object.entries(own?.holds ?? {});
  const open = holds.filter(([, { ended, until }]) => !ended && (until === null || until > clock));
  if (open.length > 0 && random.chance(0.85)) return random.pick(open)[0];
  return holds.length > 0 && random.chance(0.9) ? random.pick(holds)[0] : random.uuid();
}

const dayMs = 86_400_000;
const strangerHoldChance = 0.02;
