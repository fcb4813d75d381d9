import {
  expiresAt,
  expiresAtAfterUse,
  isPoints,
  jstDateOf,
  sumPoints,
  unreachable,
  type Instant,
  type LocalDate,
  type Points,
} from '@points/kernel';
import { extend } from './extend.js';
import { giveBack, municipalityAccount } from './give-back.js';
import type { AnyInstruction, PostingRequest, Use } from './instruction.js';
import { countersOf, passesCap, passesVelocity, type Count, type Limit, type TallyOf } from './limits.js';
import { draw, freeOf, isLiving, isOver, sliceParts, type Drawing, type Funding, type Lot } from './lots.js';
import type { Decision, Hold, Holding, Movement, Posting, Refundable, Reversible } from './movement.js';
import { movement, negative, points, reservation } from './move.js';
import { rulesAt, rulesOfVersion, type Programme } from './programme.js';
import type { Rejection } from './rejection.js';

/** Everything a decision depends on besides the request itself. */
export interface Facts {
  readonly programme: Programme | undefined;
  /** The clock. It is also the effective time of a request that names none. */
  readonly now: Instant;
  readonly holding: Holding;
  /** The receiving account of a transfer between holders. */
  readonly receiver: Holding | undefined;
  /** The hold that the instruction names. */
  readonly hold: Hold | undefined;
  /** The posting that a refund names. */
  readonly refundable: Refundable | undefined;
  /** The grant that a reversal names. */
  readonly reversible?: Reversible | undefined;
  /** What the programme's limits have counted so far; read only where there are limits. */
  readonly tallyOf?: TallyOf;
  /** The ledger's own jobs post at times that a caller may not choose. */
  readonly internal?: boolean;
  readonly newId: () => string;
}

/** Points on the way between two holders: it is empty after every transfer. */
const clearing = 'transfers:between-holders';
/** The other side of corrections by staff, and the source of lots that they add. */
const adjustedAccount = 'adjusted';
const adjustmentSource = 'staff:adjustment';
const receiverOf: Readonly<Record<Use, RegExp>> = {
  spend: /^(?!holder:|issued:|transfers:)[a-z]+:/,
  convert: /^scheme:/,
  donate: /^(?!holder:|issued:|transfers:)[a-z]+:/,
};

/** Decides one instruction: what moves, or the first reason against it in the order of `rejectionCodes`. */
export function decide(request: PostingRequest<AnyInstruction>, facts: Facts): Decision {
  const { programme } = facts;
  if (!programme) return reject({ code: 'unknown-programme' });
  const now = clockOf(facts.now, facts.holding.latestAt);
  const at = effectiveTime(request, facts.now, facts.holding.latestAt);
  return checkState(request, programme, { at, now }, facts) ?? decideKind(request, programme, at, facts);
}

/** When a request takes effect. An account's clock never runs behind its latest movement. */
export function effectiveTime({ effectiveAt }: PostingRequest<AnyInstruction>, now: Instant, latestAt: Instant | null): Instant {
  return effectiveAt ?? clockOf(now, latestAt);
}

function clockOf(now: Instant, latestAt: Instant | null): Instant {
  return latestAt !== null && latestAt > now ? latestAt : now;
}

function checkState(
  { instruction, effectiveAt }: PostingRequest<AnyInstruction>,
  programme: Programme,
  { at, now }: { at: Instant; now: Instant },
  facts: Facts,
): Decision | undefined {
  // What was reserved before a freeze or the last day follows its hold: a payment that was promised is kept, and points are always freed.
  const followsHold = instruction.kind === 'capture' || instruction.kind === 'release';
  if (programme.frozen && !followsHold) return reject({ code: 'programme-frozen' });
  if (facts.holding.frozen && takingKinds.has(instruction.kind)) return reject({ code: 'account-frozen' });
  if (facts.internal) return undefined;
  if (at > now) return reject({ code: 'effective-in-future', facts: { effectiveAt: at, now } });
  if (effectiveAt !== undefined && !programme.historyOpen) return reject({ code: 'history-closed', facts: { effectiveAt: at } });
  return checkPeriod(instruction.kind, programme, at, facts.hold) ?? checkBooks(programme, at, now);
}

/** A capture is judged by the day of its hold, not by its own; what is wrong with one that has no hold is said later. */
function checkPeriod(kind: AnyInstruction['kind'], programme: Programme, at: Instant, hold: Hold | undefined): Decision | undefined {
  if (kind === 'release' || (kind === 'capture' && !hold)) return undefined;
  const day = jstDateOf(kind === 'capture' && hold ? hold.heldAt : at);
  const { firstDay } = programme;
  const lastDay = grantingKinds.has(kind) ? earlier(programme.lastGrantDay ?? null, programme.lastDay) : programme.lastDay;
  if (day >= firstDay && (lastDay === null || day <= lastDay)) return undefined;
  return reject({ code: 'outside-period', facts: { day, firstDay, ...(lastDay !== null && { lastDay }) } });
}

function checkBooks({ closedYears = [] }: Programme, at: Instant, now: Instant): Decision | undefined {
  const closed = closedYears.find((year) => year.from <= at && at < year.to && year.closedFrom <= now);
  return closed && reject({ code: 'period-closed', facts: { day: jstDateOf(at), fiscalYear: closed.fiscalYear } });
}

/** What a freeze of the account stops: points still come in, are given back and are corrected by staff. */
const takingKinds: ReadonlySet<AnyInstruction['kind']> = new Set(['hold', 'spend', 'convert', 'donate', 'transfer'] as const);
const grantingKinds: ReadonlySet<AnyInstruction['kind']> = new Set(['issue'] as const);

function earlier(a: LocalDate | null, b: LocalDate | null): LocalDate | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function decideKind(request: PostingRequest<AnyInstruction>, programme: Programme, at: Instant, facts: Facts): Decision {
  const { instruction } = request;
  const on: Context = { account: request.account, programme, at, facts };
  switch (instruction.kind) {
    case 'issue':
      return issue(instruction, on);
    case 'hold':
      return hold(instruction, on);
    case 'capture':
      return capture(instruction, on);
    case 'release':
      return release(on);
    case 'spend':
    case 'convert':
    case 'donate':
      return spend(instruction, on);
    case 'refund':
      return refund(instruction, on);
    case 'transfer':
      return transfer(instruction, on);
    case 'adjust':
      return adjust(instruction, on);
    case 'reverse':
      return reverse(on);
    case 'extend':
      return extendLots(instruction, on);
    default:
      return unreachable(instruction);
  }
}

interface Context {
  readonly account: string;
  readonly programme: Programme;
  readonly at: Instant;
  readonly facts: Facts;
}
type Of<Kind extends AnyInstruction['kind']> = Extract<AnyInstruction, { kind: Kind }>;

function issue(instruction: Of<'issue'>, on: Context): Decision {
  const { amount, source, funding } = instruction;
  const { account, at, facts } = on;
  const lot = newLot(amount, source, funding, on);
  if (lot.expiresAt !== null && lot.expiresAt <= at) return reject({ code: 'lot-already-over', facts: { expiresAt: lot.expiresAt } });
  if (!isPoints(facts.holding.balance + amount)) return reject({ code: 'balance-too-large' });
  const counts = count(instruction, on, facts.holding);
  if (!Array.isArray(counts)) return counts;
  const granted = movement(
    { id: facts.newId(), kind: 'issue', account, counter: `issued:${source}`, effectiveAt: at },
    [{ lot: lot.lot, amount }],
    { grants: [lot] },
  );
  return posting([granted, ...repay(lot, granted.id, on)], { counts });
}

/** A debt is paid before the holder can use what he was granted. */
function repay({ lot, amount }: Lot, of: string, { account, at, facts }: Context): Movement[] {
  const paid = points(Math.min(facts.holding.debt, amount));
  if (paid === 0) return [];
  return [
    movement(
      { id: facts.newId(), kind: 'repay', account, counter: municipalityAccount, effectiveAt: at, of },
      negative([{ lot, amount: paid }]),
    ),
  ];
}

function newLot(amount: Points, source: string, funding: Funding, { programme, at, facts }: Context): Lot {
  const { version, rules } = rulesAt(programme, at);
  return {
    lot: facts.newId(),
    priority: rules.priority,
    grantedAt: at,
    expiresAt: expiresAt(rules.expiry, at),
    usableAt: rules.usableAt,
    source,
    funding,
    ruleVersion: version,
    amount,
    remaining: amount,
    held: points(0),
    expired: points(0),
  };
}

function adjust({ direction, amount, funding }: Of<'adjust'>, on: Context): Decision {
  const { account, at, facts } = on;
  const head = { kind: 'adjust' as const, account, counter: adjustedAccount, effectiveAt: at };
  if (direction === 'add') {
    const lot = newLot(amount, adjustmentSource, funding, on);
    if (lot.expiresAt !== null && lot.expiresAt <= at) return reject({ code: 'lot-already-over', facts: { expiresAt: lot.expiresAt } });
    if (!isPoints(facts.holding.balance + amount)) return reject({ code: 'balance-too-large' });
    return posting([movement({ ...head, id: facts.newId() }, [{ lot: lot.lot, amount }], { grants: [lot] })]);
  }
  const drawing = draw(facts.holding.lots, amount, at, anywhere(facts.holding));
  if (!drawing.ok) return tooFew(amount, drawing);
  return posting([movement({ ...head, id: facts.newId() }, negative(drawing.parts))]);
}

/**
 * Takes back what is still there of a grant. What has expired of it is gone without anybody's gain and is not asked for; what was
 * used, given away or is held is refused or becomes a debt, as the programme says.
 */
function reverse({ account, programme, at, facts }: Context): Decision {
  const { reversible: grant, holding, newId } = facts;
  if (!grant) return reject({ code: 'unknown-posting' });
  if (at < grant.effectiveAt) return reject({ code: 'before-its-cause', facts: { effectiveAt: at, causeAt: grant.effectiveAt } });
  const lot = lotOf(holding, grant.lot);
  const over = isOver(lot, at);
  const owed = points(lot.amount - lot.expired - (over ? freeOf(lot) : 0));
  const taken = grant.reversed || over ? points(0) : freeOf(lot);
  const { rules } = rulesAt(programme, at);
  if (grant.reversed || owed === 0 || (taken < owed && (rules.reverseOfSpent ?? 'refuse') === 'refuse')) {
    return reject({ code: 'reverse-exceeds', facts: { needed: grant.reversed ? lot.amount : owed, available: taken } });
  }
  const rest = points(owed - taken);
  if (!isPoints(holding.debt + rest)) return reject({ code: 'balance-too-large' });
  const head = { account, effectiveAt: at, of: grant.transfer };
  const movements = [
    ...(taken > 0
      ? [
          movement(
            { ...head, id: newId(), kind: 'reverse', counter: `issued:${grant.source}` },
            negative([{ lot: lot.lot, amount: taken }]),
          ),
        ]
      : []),
    ...(rest > 0 ? [owe({ ...head, id: newId() }, rest)] : []),
  ];
  return { ...posting(movements), amount: taken };
}

function extendLots(instruction: Of<'extend'>, { account, at, facts }: Context): Decision {
  const extended = extend(facts.holding.lots, instruction, at);
  if (extended.length === 0) return reject({ code: 'nothing-to-extend' });
  const amount = sumPoints(extended.map((one) => one.points));
  const head = { id: facts.newId(), kind: 'extend' as const, account, counter: null, effectiveAt: at };
  const moved: Movement = { ...head, amount, signed: points(0), draws: [], grants: [], reserves: [], extended };
  return posting([moved], { extensions: extended.map(({ lot, to }) => ({ lot, expiresAt: to })) });
}

function owe(head: { id: string; account: string; effectiveAt: Instant; of: string }, amount: Points): Movement {
  return { ...head, kind: 'owe', counter: null, amount, signed: points(0), draws: [], grants: [], reserves: [] };
}

/** What a posting adds to the counters of the programme's limits, or the limit that it would pass. */
function count(
  instruction: Of<'issue' | 'hold' | 'transfer' | Use>,
  { account, programme, at, facts }: Context,
  receiver: Holding | undefined,
): Count[] | Decision {
  const limits: readonly Limit[] | undefined = rulesAt(programme, at).rules.limits;
  if (!limits || limits.length === 0) return noCounts;
  const [asked, { amount }] = [{ account, instruction, at }, instruction];
  const tallyOf = facts.tallyOf ?? nothingUsed;
  const passed =
    passesCap(limits, asked, amount, receiver?.balance ?? points(0), tallyOf) ?? passesVelocity(limits, asked, amount, tallyOf);
  return passed ? reject(passed) : countersOf(limits, asked).map((counter) => ({ ...counter, amount }));
}

const noCounts: Count[] = [];
const nothingUsed: TallyOf = () => ({ times: 0, points: 0 });

function spend(instruction: Of<Use>, on: Context): Decision {
  const { kind, amount, to, places } = instruction;
  if (!receiverOf[kind].test(to)) return reject({ code: 'wrong-account', facts: { account: to } });
  const counts = count(instruction, on, undefined);
  if (!Array.isArray(counts)) return counts;
  const drawing = draw(on.facts.holding.lots, amount, on.at, places);
  if (!drawing.ok) return tooFew(amount, drawing);
  const spent = movement({ id: on.facts.newId(), kind, account: on.account, counter: to, effectiveAt: on.at }, negative(drawing.parts));
  return posting([spent], { extensions: extensions(on), counts });
}

function hold(instruction: Of<'hold'>, on: Context): Decision {
  const { hold: id, amount, places, expiresAt: until } = instruction;
  const { account, at, facts } = on;
  if (facts.hold) return reject({ code: 'hold-exists' });
  if (until !== undefined && until <= at) return reject({ code: 'hold-ended' });
  const counts = count(instruction, on, undefined);
  if (!Array.isArray(counts)) return counts;
  const drawing = draw(facts.holding.lots, amount, at, places);
  if (!drawing.ok) return tooFew(amount, drawing);
  const { parts } = drawing;
  const reserved = reservation({ id: facts.newId(), kind: 'hold', account, effectiveAt: at, hold: id }, parts);
  return posting([reserved], {
    hold: { hold: id, heldAt: at, expiresAt: until ?? null, amount, captured: points(0), ended: false, places, parts },
    counts,
  });
}

function capture({ amount, to, final, use = 'spend' }: Of<'capture'>, on: Context): Decision {
  const { account, at, facts } = on;
  if (!receiverOf[use].test(to)) return reject({ code: 'wrong-account', facts: { account: to } });
  const held = facts.hold;
  if (!held) return reject({ code: 'unknown-hold' });
  if (at < held.heldAt) return reject({ code: 'before-its-cause', facts: { effectiveAt: at, causeAt: held.heldAt } });
  if (held.ended || (held.expiresAt !== null && held.expiresAt <= at)) return reject({ code: 'hold-ended' });
  const open = points(held.amount - held.captured);
  if (amount > open) return reject({ code: 'hold-exceeded', facts: { needed: amount, available: open } });

  const taken = sliceParts(held.parts, held.captured, amount);
  const captured = movement({ id: facts.newId(), kind: use, account, counter: to, effectiveAt: at, hold: held.hold }, negative(taken), {
    reserves: negative(taken),
  });
  const rest = points(open - amount);
  const freed = final && rest > 0 ? free(held, points(held.captured + amount), on) : [];
  return posting([captured, ...freed], {
    hold: { ...held, captured: points(held.captured + amount), ended: final || rest === 0 },
    extensions: extensions(on),
  });
}

function release(on: Context): Decision {
  const { hold: held } = on.facts;
  if (!held) return reject({ code: 'unknown-hold' });
  if (on.at < held.heldAt) return reject({ code: 'before-its-cause', facts: { effectiveAt: on.at, causeAt: held.heldAt } });
  if (held.ended) return reject({ code: 'hold-ended' });
  return posting(free(held, held.captured, on), { hold: { ...held, ended: true } });
}

/** Frees what a hold has not captured; points whose lot is over meanwhile go the way that the programme's rule says. */
function free(held: Hold, from: Points, { account, programme, at, facts }: Context): Movement[] {
  const parts = sliceParts(held.parts, from, points(held.amount - from));
  const released = reservation({ id: facts.newId(), kind: 'release', account, effectiveAt: at, hold: held.hold }, negative(parts));
  return [released, ...giveBack(parts, { account, programme, at, holding: facts.holding, of: released.id, newId: facts.newId })];
}

function refund({ amount }: Of<'refund'>, { account, programme, at, facts }: Context): Decision {
  const { refundable, holding, newId } = facts;
  if (!refundable) return reject({ code: 'unknown-posting' });
  if (at < refundable.effectiveAt) return reject({ code: 'before-its-cause', facts: { effectiveAt: at, causeAt: refundable.effectiveAt } });
  const open = points(refundable.amount - refundable.refunded);
  if (amount > open) return reject({ code: 'refund-exceeds', facts: { needed: amount, available: open } });
  if (!isPoints(holding.balance + amount)) return reject({ code: 'balance-too-large' });
  const parts = sliceParts(refundable.parts.toReversed(), refundable.refunded, amount);
  const refunded = movement(
    { id: newId(), kind: 'refund', account, counter: refundable.to, effectiveAt: at, of: refundable.transfer },
    parts,
  );
  return posting([refunded, ...giveBack(parts, { account, programme, at, holding, of: refunded.id, newId })]);
}

/** The receiver's points keep the end, the places and the funding that they had. */
function transfer(instruction: Of<'transfer'>, on: Context): Decision {
  const { amount, to } = instruction;
  const { account, programme, at, facts } = on;
  if (!to.startsWith('holder:') || to === account) return reject({ code: 'wrong-account', facts: { account: to } });
  const { rules } = rulesAt(programme, at);
  if (!rules.transferAllowed) return reject({ code: 'not-allowed' });
  if (facts.receiver && !isPoints(facts.receiver.balance + amount)) return reject({ code: 'balance-too-large' });
  const counts = count(instruction, on, facts.receiver);
  if (!Array.isArray(counts)) return counts;
  const drawing = draw(facts.holding.lots, amount, at, anywhere(facts.holding));
  if (!drawing.ok) return tooFew(amount, drawing);
  const out = movement({ id: facts.newId(), kind: 'transfer-out', account, counter: clearing, effectiveAt: at }, negative(drawing.parts));
  const grants = drawing.parts.map((part): Lot => {
    return {
      ...lotOf(facts.holding, part.lot),
      lot: facts.newId(),
      grantedAt: at,
      amount: part.amount,
      remaining: part.amount,
      held: points(0),
      expired: points(0),
    };
  });
  const into = movement(
    { id: facts.newId(), kind: 'transfer-in', account: to, counter: clearing, effectiveAt: at, of: out.id },
    grants.map(({ lot, amount }) => ({ lot, amount })),
    { grants },
  );
  return posting([out, into], { extensions: extensions(on), counts });
}

/** Every place where one of the lots is usable. */
function anywhere({ lots }: Holding): string[] {
  return lots.flatMap((lot) => lot.usableAt);
}

/** Lots of the kind "months after last use" live on with every use of the account. */
function extensions({ programme, at, facts }: Context): Posting['extensions'] {
  if (!programme.versions.some(({ rules }) => rules.expiry.kind === 'months-after-last-use')) return [];
  return facts.holding.lots.flatMap((lot) => {
    if (lot.remaining === 0 || !isLiving(lot, at)) return [];
    const end = expiresAtAfterUse(rulesOfVersion(programme, lot.ruleVersion).rules.expiry, at);
    return end !== undefined && lot.expiresAt !== null && end > lot.expiresAt ? [{ lot: lot.lot, expiresAt: end }] : [];
  });
}

function tooFew(needed: Points, { available, elsewhere, expired }: Extract<Drawing, { ok: false }>): Decision {
  if (available + expired >= needed) return reject({ code: 'lot-expired', facts: { needed, available, expired } });
  if (available + elsewhere >= needed) return reject({ code: 'not-usable-here', facts: { needed, available, elsewhere } });
  return reject({ code: 'insufficient-points', facts: { needed, available } });
}

function lotOf(holding: Holding, id: string): Lot {
  const lot = holding.lotOf(id);
  if (!lot) throw new Error(`assertion failed: lot ${id} was drawn but is not known`);
  return lot;
}

function posting(movements: readonly Movement[], more: Partial<Pick<Posting, 'hold' | 'extensions' | 'counts'>> = {}): Posting {
  const [first] = movements;
  if (!first) throw new Error('assertion failed: a posting has a movement');
  return { ok: true, id: first.id, amount: first.amount, effectiveAt: first.effectiveAt, movements, extensions: [], ...more };
}

function reject(rejection: Rejection): Decision {
  return { ok: false, rejection };
}
