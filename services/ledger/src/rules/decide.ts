import { isPoints, jstDateOf, unreachable, type Instant, type Points } from '@points/kernel';
import { giveBack } from './give-back.js';
import { expiresAt, expiresAtAfterUse } from './expiry.js';
import type { Instruction, PostingRequest, Use } from './instruction.js';
import { draw, isLiving, sliceParts, type Drawing, type Lot, type Part } from './lots.js';
import type { Decision, Hold, Holding, Movement, Posting, Refundable } from './movement.js';
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
  /** The ledger's own jobs post at times that a caller may not choose. */
  readonly internal?: boolean;
  readonly newId: () => string;
}

/** Points on the way between two holders: it is empty after every transfer. */
const clearing = 'transfers:between-holders';
const receiverOf: Readonly<Record<Use, RegExp>> = {
  spend: /^(?!holder:|issued:|transfers:)[a-z]+:/,
  convert: /^scheme:/,
  donate: /^(?!holder:|issued:|transfers:)[a-z]+:/,
};

/** Decides one instruction: what moves, or the first reason against it in the order of `rejectionCodes`. */
export function decide(request: PostingRequest, facts: Facts): Decision {
  const { programme } = facts;
  if (!programme) return reject({ code: 'unknown-programme' });
  const now = facts.holding.latestAt !== null && facts.holding.latestAt > facts.now ? facts.holding.latestAt : facts.now;
  const at = request.effectiveAt ?? now;
  return checkTime(request, programme, { at, now }, facts.internal ?? false) ?? decideKind(request, programme, at, facts);
}

function checkTime(
  request: PostingRequest,
  programme: Programme,
  { at, now }: { at: Instant; now: Instant },
  internal: boolean,
): Decision | undefined {
  if (programme.frozen) return reject({ code: 'programme-frozen' });
  if (internal) return undefined;
  if (at > now) return reject({ code: 'effective-in-future', facts: { effectiveAt: at, now } });
  if (request.effectiveAt !== undefined && !programme.historyOpen) return reject({ code: 'history-closed', facts: { effectiveAt: at } });
  // What was reserved must always be freed, even after the programme's last day.
  if (request.instruction.kind === 'release') return undefined;
  const [day, { firstDay, lastDay }] = [jstDateOf(at), programme];
  if (day < firstDay || (lastDay !== null && day > lastDay)) {
    return reject({ code: 'outside-period', facts: { day, firstDay, ...(lastDay !== null && { lastDay }) } });
  }
  return undefined;
}

function decideKind(request: PostingRequest, programme: Programme, at: Instant, facts: Facts): Decision {
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
type Of<Kind extends Instruction['kind']> = Extract<Instruction, { kind: Kind }>;

function issue({ amount, source, funding }: Of<'issue'>, { account, programme, at, facts }: Context): Decision {
  const { version, rules } = rulesAt(programme, at);
  const end = expiresAt(rules.expiry, at);
  if (end !== null && end <= at) return reject({ code: 'lot-already-over', facts: { expiresAt: end } });
  if (!isPoints(facts.holding.balance + amount)) return reject({ code: 'balance-too-large' });
  const lot: Lot = {
    lot: facts.newId(),
    priority: rules.priority,
    grantedAt: at,
    expiresAt: end,
    usableAt: rules.usableAt,
    source,
    funding,
    ruleVersion: version,
    amount,
    remaining: amount,
    held: points(0),
    expired: points(0),
  };
  const granted = movement(
    { id: facts.newId(), kind: 'issue', account, counter: `issued:${source}`, effectiveAt: at },
    [{ lot: lot.lot, amount }],
    { grants: [lot] },
  );
  return posting([granted]);
}

function spend({ kind, amount, to, places }: Of<Use>, on: Context): Decision {
  if (!receiverOf[kind].test(to)) return reject({ code: 'wrong-account', facts: { account: to } });
  const drawing = draw(on.facts.holding.lots, amount, on.at, places);
  if (!drawing.ok) return tooFew(amount, drawing);
  const spent = movement({ id: on.facts.newId(), kind, account: on.account, counter: to, effectiveAt: on.at }, negative(drawing.parts));
  return posting([spent], { extensions: extensions(on) });
}

function hold({ hold: id, amount, places, expiresAt: until }: Of<'hold'>, { account, at, facts }: Context): Decision {
  if (facts.hold) return reject({ code: 'hold-exists' });
  if (until !== undefined && until <= at) return reject({ code: 'hold-ended' });
  const drawing = draw(facts.holding.lots, amount, at, places);
  if (!drawing.ok) return tooFew(amount, drawing);
  const { parts } = drawing;
  const reserved = reservation({ id: facts.newId(), kind: 'hold', account, effectiveAt: at, hold: id }, parts);
  return posting([reserved], {
    hold: { hold: id, heldAt: at, expiresAt: until ?? null, amount, captured: points(0), ended: false, places, parts },
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
function transfer({ amount, to }: Of<'transfer'>, on: Context): Decision {
  const { account, programme, at, facts } = on;
  if (!to.startsWith('holder:') || to === account) return reject({ code: 'wrong-account', facts: { account: to } });
  const { rules } = rulesAt(programme, at);
  if (!rules.transferAllowed) return reject({ code: 'not-allowed' });
  if (facts.receiver && !isPoints(facts.receiver.balance + amount)) return reject({ code: 'balance-too-large' });
  const anywhere = facts.holding.lots.flatMap((lot) => lot.usableAt);
  const drawing = draw(facts.holding.lots, amount, at, anywhere);
  if (!drawing.ok) return tooFew(amount, drawing);
  const out = movement({ id: facts.newId(), kind: 'transfer-out', account, counter: clearing, effectiveAt: at }, negative(drawing.parts));
  const grants = drawing.parts.map((part): Lot => {
    return {
      ...lotOf(facts.holding, part),
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
  return posting([out, into], { extensions: extensions(on) });
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
  if (expired > 0 && available + expired >= needed) return reject({ code: 'lot-expired', facts: { needed, available, expired } });
  if (elsewhere > 0 && available + elsewhere >= needed) return reject({ code: 'not-usable-here', facts: { needed, available, elsewhere } });
  return reject({ code: 'insufficient-points', facts: { needed, available } });
}

function lotOf(holding: Holding, part: Part): Lot {
  const lot = holding.lotOf(part.lot);
  if (!lot) throw new Error(`assertion failed: lot ${part.lot} was drawn but is not known`);
  return lot;
}

function posting(movements: readonly Movement[], more: Partial<Pick<Posting, 'hold' | 'extensions'>> = {}): Posting {
  const [first] = movements;
  if (!first) throw new Error('assertion failed: a posting has a movement');
  return { ok: true, id: first.id, amount: first.amount, effectiveAt: first.effectiveAt, movements, extensions: [], ...more };
}

function reject(rejection: Rejection): Decision {
  return { ok: false, rejection };
}
