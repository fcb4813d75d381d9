import { parseInstant, points, programmeId, sumPoints, type Instant, type LocalDate } from '@points/kernel';
import { decide, type Facts } from '../rules/decide.js';
import type { AnyInstruction, Instruction } from '../rules/instruction.js';
import { byDrawOrder, type Lot, type Part } from '../rules/lots.js';
import type { Decision, Hold, Holding, Posting, Refundable, Reversible } from '../rules/movement.js';
import type { Programme, Rules } from '../rules/programme.js';

/** Facts and requests for the specs of the rules: valid and dated, without a database; a test states only what it is about. */
export const at = parseInstant;
export const now = at('2018-06-01T00:00:00Z');
export const someRules: Rules = {
  expiry: { kind: 'days-after-grant', days: 100 },
  usableAt: [],
  refundOfExpired: { kind: 'restore-and-expire' },
  priority: 0,
  transferAllowed: false,
};

export const aProgramme = (of: Partial<Programme> = {}, changed: Partial<Rules> = {}): Programme => ({
  programme: programmeId('141305-trial'),
  firstDay: '2017-11-20' as LocalDate,
  lastDay: '2018-11-30' as LocalDate,
  historyOpen: true,
  frozen: false,
  versions: [{ version: 1, validFrom: '2017-11-20' as LocalDate, rules: { ...someRules, ...changed } }],
  ...of,
});
export const aLot = (id: string, remaining: number, of: Partial<Lot> = {}): Lot => ({
  lot: id,
  priority: 0,
  grantedAt: at('2018-05-01T00:00:00Z'),
  expiresAt: at('2018-08-09T15:00:00Z'),
  usableAt: [],
  source: 'partner:a',
  funding: 'paid',
  ruleVersion: 1,
  amount: points(1000),
  remaining: points(remaining),
  held: points(0),
  expired: points(0),
  ...of,
});
export const holdingOf = (lots: Lot[], of: Partial<Holding> = {}): Holding => ({
  balance: sumPoints(lots.map((lot) => lot.remaining)),
  held: sumPoints(lots.map((lot) => lot.held)),
  latestAt: null,
  frozen: false,
  debt: points(0),
  lots: [...lots].sort(byDrawOrder),
  lotOf: (id) => lots.find((lot) => lot.lot === id),
  ...of,
});
export const ids = () => {
  let next = 0;
  return () => `id-${++next}`;
};
export const decided = (instruction: AnyInstruction, facts: Partial<Facts> = {}, effectiveAt?: Instant): Decision =>
  decide(
    { reference: 'test:1', programme: programmeId('141305-trial'), account: 'holder:h', instruction, ...(effectiveAt && { effectiveAt }) },
    {
      programme: aProgramme(),
      now,
      holding: holdingOf([]),
      receiver: undefined,
      hold: undefined,
      refundable: undefined,
      newId: ids(),
      ...facts,
    },
  );
export const posted = (decision: Decision): Posting => {
  if (!decision.ok) throw new Error(`refused: ${decision.rejection.code}`);
  return decision;
};
export const codeOf = (decision: Decision) => (decision.ok ? 'posted' : decision.rejection.code);

export const issue: Instruction = { kind: 'issue', amount: points(100), source: 'partner:a', funding: 'paid' };
export const spend = (amount: number, places: string[] = []): Instruction => ({
  kind: 'spend',
  amount: points(amount),
  to: 'merchant:m',
  places,
});
export const aHold = (of: Partial<Hold> = {}): Hold => ({
  hold: 'h1',
  heldAt: at('2018-05-10T00:00:00Z'),
  expiresAt: null,
  amount: points(300),
  captured: points(0),
  ended: false,
  places: [],
  parts: [
    { lot: 'a', amount: points(200) },
    { lot: 'b', amount: points(100) },
  ],
  ...of,
});
export const aRefundable = (of: Partial<Refundable> = {}): Refundable => ({
  transfer: 't1',
  to: 'merchant:m',
  effectiveAt: at('2018-05-10T00:00:00Z'),
  amount: points(300),
  refunded: points(0),
  parts: [
    { lot: 'a', amount: points(200) },
    { lot: 'b', amount: points(100) },
  ],
  ...of,
});
export const aGrant: Reversible = {
  transfer: 't1',
  effectiveAt: at('2018-05-01T00:00:00Z'),
  source: 'partner:a',
  lot: 'a',
  reversed: false,
};
export const over = { grantedAt: at('2018-01-01T00:00:00Z'), expiresAt: at('2018-05-20T15:00:00Z') };
export const summary = (decision: Decision) =>
  posted(decision).movements.map(({ kind, counter, signed, draws, reserves }) => ({
    kind,
    counter,
    signed,
    draws: brief(draws),
    reserves: brief(reserves),
  }));
export const brief = (parts: readonly Part[]) => parts.map(({ lot, amount }) => `${lot}:${amount}`).join(' ');
