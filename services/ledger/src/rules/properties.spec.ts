import {
  endOfDayJst,
  expiresAt,
  jstDateOf,
  parseInstant,
  points,
  programmeId,
  startOfDayJst,
  type Expiry,
  type Instant,
  type LocalDate,
} from '@points/kernel';
import fc from 'fast-check';
import { bodyOfRules, rulesOfBody } from '../programmes/rules-of-body.js';
import { instantOf } from '../post/wire.js';
import { Book, keyOf } from '../post/book.js';
import { decide } from './decide.js';
import { expire } from './expire.js';
import { semanticContent, type Instruction, type PostingRequest } from './instruction.js';
import { byDrawOrder, draw, type Lot } from './lots.js';
import type { Posting } from './movement.js';
import type { Programme, Rules } from './programme.js';

const id = programmeId('141305-trial');
const [anna, ben] = ['holder:00000000-0000-4000-8000-00000000000a', 'holder:00000000-0000-4000-8000-00000000000b'];
const firstMs = Date.parse('2018-01-01T00:00:00Z');
const at = (ms: number) => parseInstant(new Date(firstMs + ms).toISOString());

const instants = fc.integer({ min: 0, max: 4 * 366 * 86_400_000 }).map(at);
const tags = fc.subarray(['shop:a', 'shop:b', 'facility:c']);
const expiries = fc.oneof<fc.Arbitrary<Expiry>[]>(
  fc.record({ kind: fc.constant('days-after-grant'), days: fc.integer({ min: 0, max: 400 }) }),
  fc.record({ kind: fc.constant('end-of-month'), months: fc.integer({ min: 0, max: 24 }) }),
  fc.record({ kind: fc.constant('fiscal-year-end'), years: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('fixed-day'), day: instants.map(jstDateOf) }),
  fc.record({ kind: fc.constant('months-after-last-use'), months: fc.integer({ min: 1, max: 24 }) }),
  fc.constant({ kind: 'none' }),
);
const rules: fc.Arbitrary<Rules> = fc.record({
  expiry: expiries,
  usableAt: tags.map((some) => some.toSorted()),
  refundOfExpired: fc.oneof(
    fc.record({ kind: fc.constant('new-lot' as const), days: fc.integer({ min: 1, max: 90 }) }),
    fc.constantFrom({ kind: 'restore-and-expire' as const }, { kind: 'to-municipality' as const }),
  ),
  priority: fc.integer({ min: -3, max: 3 }),
  transferAllowed: fc.boolean(),
});

const amounts = fc.integer({ min: 1, max: 120 }).map(points);
const holds = fc.integer({ min: 1, max: 4 }).map((n) => `00000000-0000-4000-9000-00000000000${n}`);
const instructions: fc.Arbitrary<Instruction> = fc.oneof(
  fc.record({
    kind: fc.constant('issue' as const),
    amount: amounts,
    source: fc.constant('city'),
    funding: fc.constantFrom('paid' as const, 'free' as const),
  }),
  fc.record({ kind: fc.constantFrom('spend' as const, 'donate' as const), amount: amounts, to: fc.constant('merchant:m'), places: tags }),
  fc.record({ kind: fc.constant('hold' as const), hold: holds, amount: amounts, places: tags }),
  fc.record({ kind: fc.constant('capture' as const), hold: holds, amount: amounts, final: fc.boolean(), to: fc.constant('merchant:m') }),
  fc.record({ kind: fc.constant('release' as const), hold: holds }),
  fc.record({ kind: fc.constant('refund' as const), of: fc.integer({ min: 0, max: 30 }).map((n) => `test:${n}`), amount: amounts }),
  fc.record({ kind: fc.constant('transfer' as const), amount: amounts, to: fc.constantFrom(anna, ben) }),
);
/** What happens, and how long after what happened before it. */
const days = fc.array(
  fc.record({ after: fc.integer({ min: 0, max: 20 * 86_400_000 }), account: fc.constantFrom(anna, ben), what: fc.option(instructions) }),
  { maxLength: 30 },
);

describe('whatever is asked of two holders, in any order and at any time', () => {
  it('every step conserves: draws add up to the entry, lots to the balance, and the entries of all accounts to zero', () => {
    play((book, posting, entries) => {
      for (const one of posting.movements) expect(sum(one.draws.map(({ amount }) => amount))).toBe(one.signed);
      for (const account of book.accounts.values()) {
        expect(sum(account.lots.map((lot) => lot.remaining))).toBe(account.balance);
        expect(entries.get(account.account) ?? 0).toBe(account.balance);
      }
      expect(sum([...entries.values()])).toBe(0);
    });
  });

  it('no lot has less than nothing, more than it began with, or more held than it has', () => {
    play((book) => {
      for (const account of book.accounts.values()) {
        for (const lot of account.lots) {
          expect(lot.held).toBeGreaterThanOrEqual(0);
          expect(lot.remaining).toBeGreaterThanOrEqual(lot.held);
          expect(lot.expired).toBeGreaterThanOrEqual(0);
          expect(lot.remaining + lot.expired).toBeLessThanOrEqual(lot.amount);
        }
      }
    });
  });

  it('what is held in a lot is what open holds have left there', () => {
    play((book) => {
      for (const account of book.accounts.values()) {
        const open = [...account.holds.values()].filter((hold) => !hold.ended);
        expect(sum(open.map((hold) => hold.amount - hold.captured))).toBe(account.held);
        expect(sum(account.lots.map((lot) => lot.held))).toBe(account.held);
      }
    });
  });

  it('no more is refunded than was captured or spent', () => {
    play((book) => {
      for (const { refundable } of book.refundables.values()) {
        expect(refundable.refunded).toBeLessThanOrEqual(refundable.amount);
        expect(sum(refundable.parts.map(({ amount }) => amount))).toBe(refundable.amount);
      }
    });
  });

  it('no use takes a point of a lot that is not yet or no longer alive', () => {
    play((book, posting) => {
      for (const one of posting.movements.filter(({ kind }) => kind === 'transfer-out' || kind === 'donate' || kind === 'hold')) {
        for (const { lot } of [...one.draws, ...one.reserves]) {
          const drawn = book.account(id, one.account).lotOf(lot);
          expect(drawn && drawn.grantedAt <= one.effectiveAt && (drawn.expiresAt === null || one.effectiveAt < drawn.expiresAt)).toBe(true);
        }
      }
    });
  });
});

describe('what is drawn', () => {
  it('does not depend on the order in which the lots were read', () => {
    const lots = fc.uniqueArray(
      fc.record({
        lot: fc.uuid(),
        priority: fc.integer({ min: 0, max: 1 }),
        end: fc.option(fc.integer({ min: 1, max: 3 })),
        remaining: fc.nat(50),
      }),
      {
        selector: (one) => one.lot,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(lots, fc.integer({ min: 1, max: 200 }), fc.infiniteStream(fc.nat()), (drafts, needed, keys) => {
        const made = drafts.map(({ end, ...one }) =>
          aLot({ ...one, remaining: points(one.remaining), expiresAt: end === null ? null : at(end * 86_400_000) }),
        );
        const shuffled = made.map((lot) => [keys.next().value ?? 0, lot] as const).sort(([a], [b]) => a - b);
        const drawn = (some: readonly Lot[]) => draw(some.toSorted(byDrawOrder), points(needed), at(0), []);
        expect(drawn(shuffled.map(([, lot]) => lot))).toEqual(drawn(made));
      }),
    );
  });
});

describe('a lot ends', () => {
  it('at a midnight in Tokyo, and the later the later it was granted', () => {
    fc.assert(
      fc.property(expiries, instants, instants, (rule, one, other) => {
        const [early, late] = one < other ? [one, other] : [other, one];
        const [first, second] = [expiresAt(rule, early), expiresAt(rule, late)];
        if (first === null || second === null) return first === second;
        expect(startOfDayJst(jstDateOf(first))).toBe(first);
        return first <= second;
      }),
    );
  });

  it('at one time for all grants of a day', () => {
    fc.assert(
      fc.property(expiries, instants, (rule, granted) => {
        const day = jstDateOf(granted);
        const last = parseInstant(new Date(Date.parse(endOfDayJst(day)) - 1).toISOString());
        expect(expiresAt(rule, last)).toBe(expiresAt(rule, startOfDayJst(day)));
      }),
    );
  });
});

describe('what is written is read back', () => {
  it('an instant, with whatever offset it is written', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: -14 * 60, max: 14 * 60 }), (instant, minutes) => {
        const local = new Date(Date.parse(instant) + minutes * 60_000).toISOString().slice(0, -1);
        const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, '0'));
        expect(parseInstant(`${local}${minutes < 0 ? '-' : '+'}${hour}:${minute}`)).toBe(instant);
      }),
    );
  });

  it('an instant, as PostgreSQL writes it in any time zone', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(-5, 0, 9), (instant, hours) => {
        const local = new Date(Date.parse(instant) + hours * 3_600_000).toISOString();
        const fraction = local.slice(20, 23).replace(/0+$/, '');
        const text = `${local.slice(0, 10)} ${local.slice(11, 19)}${fraction && `.${fraction}`}${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}`;
        expect(instantOf(text)).toBe(instant);
      }),
    );
  });

  it('the rules of a programme, as its API shows them', () => {
    fc.assert(fc.property(rules, (some) => expect(rulesOfBody(bodyOfRules(some))).toEqual(some)));
  });

  it('a request keeps its meaning through JSON, and two that differ in a number differ', () => {
    fc.assert(
      fc.property(instructions, (instruction) => {
        const request: PostingRequest = { reference: 'test:1', programme: id, account: anna, instruction };
        // What JSON gives back of an instruction is one.
        expect(semanticContent(JSON.parse(JSON.stringify(request)) as PostingRequest)).toBe(semanticContent(request));
        if (!('amount' in instruction)) return;
        expect(semanticContent({ ...request, instruction: { ...instruction, amount: points(instruction.amount + 1) } })).not.toBe(
          semanticContent(request),
        );
      }),
    );
  });
});

/** Plays a few weeks of two accounts in memory; `check` sees the books after each posting, and the sum of each account's entries. */
function play(check: (book: Book, posting: Posting, entries: ReadonlyMap<string, number>) => void): void {
  fc.assert(
    fc.property(fc.array(rules, { minLength: 1, maxLength: 3 }), days, (versions, happenings) => {
      const programme: Programme = {
        programme: id,
        firstDay: '2017-01-01' as LocalDate,
        lastDay: null,
        historyOpen: false,
        frozen: false,
        versions: versions.map((one, index) => ({ version: index + 1, validFrom: jstDateOf(at(index * 30 * 86_400_000)), rules: one })),
      };
      const [book, entries] = [new Book(), new Map<string, number>()];
      let [clock, made] = [0, 0];
      const newId = () => `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`;
      happenings.forEach(({ after, account, what }, index) => {
        clock += after;
        const posting = what ? ask(what, account, index, at(clock)) : expireAll(account, at(clock));
        if (!posting) return;
        for (const { account: own, counter, signed } of posting.movements) {
          entries.set(own, (entries.get(own) ?? 0) + signed);
          if (counter !== null) entries.set(counter, (entries.get(counter) ?? 0) - signed);
        }
        check(book, posting, entries);
      });

      function ask(instruction: Instruction, account: string, index: number, now: Instant): Posting | undefined {
        const request: PostingRequest = { reference: `test:${index}`, programme: id, account, instruction };
        const holding = book.account(id, account);
        const found = instruction.kind === 'refund' ? book.refundables.get(keyOf(id, instruction.of)) : undefined;
        const decision = decide(request, {
          programme,
          now,
          holding,
          receiver: instruction.kind === 'transfer' ? book.account(id, instruction.to) : undefined,
          hold: 'hold' in instruction ? holding.holds.get(instruction.hold) : undefined,
          refundable: found?.account === account ? found.refundable : undefined,
          newId,
        });
        if (!decision.ok) return undefined;
        book.apply(id, account, request.reference, decision, now);
        if (instruction.kind === 'refund') book.refunded(id, instruction.of, instruction.amount);
        return decision;
      }

      function expireAll(account: string, now: Instant): Posting | undefined {
        const holding = book.account(id, account);
        const movements = expire(account, holding.lots, now, newId);
        const [first] = movements;
        if (!first) return undefined;
        for (const movement of movements) holding.apply(movement, now);
        return { ok: true, id: first.id, amount: first.amount, effectiveAt: now, movements, extensions: [] };
      }
    }),
    { numRuns: 150 },
  );
}

function aLot(of: Partial<Lot>): Lot {
  const none = points(0);
  const rest = { usableAt: [], source: 'city', funding: 'free' as const, ruleVersion: 1, priority: 0, expiresAt: null };
  return { lot: '', grantedAt: at(0), amount: points(50), remaining: none, held: none, expired: none, ...rest, ...of };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
