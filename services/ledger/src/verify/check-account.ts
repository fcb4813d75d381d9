import { expiresAtAfterUse, isInstant, jstDateOf, startOfDayJst, type LocalDate } from '@points/kernel';
import { grants, transferLeaf, type TransferFacts } from '../chain/leaf.js';
import { postedOf } from '../chain/read-facts.js';
import type { Row, TransferLine } from '../move/lines.js';
import type { Rules } from '../rules/programme.js';
import type { Findings } from './findings.js';

export interface AccountContext {
  readonly programme: string;
  readonly findings: Findings;
  /** By version. */
  readonly rules: ReadonlyMap<number, Rules>;
  /** Where the programme has a last day: its end, which ends every lot that is open then. */
  readonly closesAt: string | null;
}

/** Rebuilds one holder's balance, lots and holds from his transfers. In memory are his lots and holds, not his transfers. */
export class AccountCheck {
  private readonly lots = new Map<string, RebuiltLot>();
  private readonly holds = new Map<string, RebuiltHold>();
  /** By transfer, until the transfer comes. */
  private readonly extensions = new Map<string, Row<'extension'>[]>();
  private balance = 0n;
  private lapsed = 0n;
  private debt = 0n;
  private lastRecorded = '';
  /** JST days on which the account was used, with the last transfer of each: a use may extend lots. */
  private readonly uses = new Map<LocalDate, string>();
  private readonly usesMatter: boolean;

  constructor(
    private readonly row: Row<'account'>,
    private readonly context: AccountContext,
  ) {
    this.usesMatter = [...context.rules.values()].some((rules) => rules.expiry.kind === 'months-after-last-use');
  }

  lot(row: Row<'lot'>): void {
    this.lots.set(row.lot, { row, remaining: 0n, expired: 0n, held: 0n, grant: undefined, extensions: [] });
  }

  hold(row: Row<'hold'>): void {
    this.holds.set(row.hold, { row, captured: 0n, released: undefined, made: false });
  }

  /** Of a lot they come in the order in which they were made: an end only ever moves to a later time. */
  extension(row: Row<'extension'>): void {
    const made = this.extensions.get(row.transfer);
    if (made) made.push(row);
    else this.extensions.set(row.transfer, [row]);
    const lot = this.lots.get(row.lot);
    if (lot) lot.extensions.push(row);
    else this.context.findings.add('lot', [row.account, row.lot], `a row, which transfer ${row.transfer} extended`, 'none');
  }

  transfer(transfer: TransferLine): void {
    const key = keyOf(transfer);
    const signed = transfer.draws.reduce((sum, draw) => sum + whole(draw.amount), 0n);
    this.balance += transfer.counter === null ? 0n : signed;
    if (transfer.recordedAt > this.lastRecorded) this.lastRecorded = transfer.recordedAt;
    this.checkEntries(transfer, signed, key);
    this.applyDraws(transfer, key);
    this.applyHold(transfer, key);
    if (transfer.kind === 'extend') this.checkExtended(transfer, key);
    if (transfer.kind === 'expire') this.lapsed += whole(transfer.amount);
    if (transfer.kind === 'owe') this.debt += whole(transfer.amount);
    if (transfer.kind === 'repay') this.debt -= whole(transfer.amount);
    if (this.usesMatter && useKinds.has(transfer.kind) && isInstant(transfer.effectiveAt)) {
      const day = jstDateOf(transfer.effectiveAt);
      if ((this.uses.get(day) ?? '') < transfer.transfer) this.uses.set(day, transfer.transfer);
    }
    this.checkPosting(transfer);
    this.checkLeaf(transfer, key);
    if (transfer.kind === 'extend') this.extensions.delete(transfer.transfer);
  }

  finish(): void {
    const { findings } = this.context;
    for (const hold of this.holds.values()) this.finishHold(hold);
    let held = 0n;
    for (const lot of this.lots.values()) {
      held += lot.held;
      this.finishLot(lot);
    }
    for (const rows of this.extensions.values())
      for (const { account, lot, toEnd } of rows)
        findings.add('extension', [account, lot, toEnd], 'a transfer of kind extend that made it', 'none');
    const { account } = this.row;
    findings.same('account', [account], 'balance', { expected: this.balance, found: whole(this.row.balance) });
    findings.same('account', [account], 'held', { expected: held, found: whole(this.row.held) });
    findings.same('account', [account], 'lapsed', { expected: this.lapsed, found: whole(this.row.lapsed) });
    findings.same('account', [account], 'debt', { expected: this.debt, found: whole(this.row.debt) });
    if (this.row.latestAt < this.lastRecorded)
      findings.add('account', [account], `latestAt not before its last transfer, ${this.lastRecorded}`, `latestAt ${this.row.latestAt}`);
  }

  /** Two entries that sum to zero, and they are what the draws say. */
  private checkEntries(transfer: TransferLine, signed: bigint, key: readonly string[]): void {
    const { findings } = this.context;
    const { account, counter, amount, entries, effectiveAt } = transfer;
    if (counter !== null && (signed < 0n ? -signed : signed) !== whole(amount))
      findings.add('transfer', key, `amount ${signed < 0n ? -signed : signed}, as its draws`, `amount ${amount}`);
    const wanted = counter === null ? [] : [[account, signed] as const, [counter, -signed] as const];
    for (const [of, sum] of wanted) {
      const own = entries.filter((one) => one.account === of);
      const entryKey = [of, effectiveAt, transfer.transfer];
      if (own.length !== 1 || !own[0])
        findings.add('entry', entryKey, `one entry of ${sum}`, own.length === 0 ? 'none' : `${own.length} entries`);
      else findings.same('entry', entryKey, 'amount', { expected: sum, found: whole(own[0].amount) });
    }
    for (const extra of entries.filter((one) => !wanted.some(([of]) => of === one.account)))
      findings.add(
        'entry',
        [extra.account, effectiveAt, transfer.transfer],
        'no entry: the transfer has none there',
        `amount ${extra.amount}`,
      );
  }

  private applyDraws(transfer: TransferLine, key: readonly string[]): void {
    const { findings } = this.context;
    let granted = 0;
    transfer.draws.forEach((draw, index) => {
      findings.same('draw', [transfer.account, transfer.transfer, draw.seq], 'seq', { expected: index, found: draw.seq });
      const lot = this.lots.get(draw.lot);
      const isGrant = grants(transfer.kind, draw.amount);
      const sealedEnd = isGrant ? (transfer.seal?.lotEnds?.[granted++] ?? null) : null;
      if (!lot)
        return findings.add(
          'lot',
          [transfer.account, draw.lot],
          `a row, which transfer ${key.at(-1)} ${isGrant ? 'granted' : 'drew from'}`,
          'none',
        );
      lot.remaining += whole(draw.amount);
      if (transfer.kind === 'expire') lot.expired -= whole(draw.amount);
      if (!isGrant) return;
      if (lot.grant)
        return findings.add(
          'draw',
          [transfer.account, transfer.transfer, draw.seq],
          `no second grant of lot ${draw.lot}`,
          `amount ${draw.amount}`,
        );
      lot.grant = { transfer: transfer.transfer, isSealed: transfer.seal !== null, end: sealedEnd };
      findings.same('lot', [transfer.account, draw.lot], 'amount', { expected: draw.amount, found: lot.row.amount });
      findings.same('lot', [transfer.account, draw.lot], 'grantedAt', { expected: transfer.effectiveAt, found: lot.row.grantedAt });
    });
  }

  /** What it says of points, of times and of the order is what its lots say. */
  private checkExtended({ account, transfer, amount, effectiveAt, recordedAt, reference }: TransferLine, key: readonly string[]): void {
    const { findings } = this.context;
    const rows = this.extensions.get(transfer) ?? [];
    findings.same('transfer', key, 'amount', { expected: rows.reduce((sum, row) => sum + whole(row.points), 0n), found: whole(amount) });
    for (const row of rows) {
      const extension = [account, row.lot, row.toEnd];
      findings.same('extension', extension, 'effectiveAt', { expected: effectiveAt, found: row.effectiveAt });
      findings.same('extension', extension, 'recordedAt', { expected: recordedAt, found: row.recordedAt });
      findings.same('extension', extension, 'order', { expected: reference, found: `ledger:extension/${row.extension}/${account}` });
    }
  }

  private applyHold(transfer: TransferLine, key: readonly string[]): void {
    if (transfer.hold === null) return;
    const hold = this.holds.get(transfer.hold);
    if (!hold)
      return this.context.findings.add('hold', [transfer.account, transfer.hold], `a row, which transfer ${key.at(-1)} names`, 'none');
    if (transfer.kind === 'hold') {
      hold.made = true;
      this.context.findings.same('hold', [transfer.account, transfer.hold], 'amount', {
        expected: transfer.amount,
        found: hold.row.amount,
      });
    } else if (transfer.kind === 'release') hold.released = (hold.released ?? 0n) + whole(transfer.amount);
    else hold.captured += whole(transfer.amount);
  }

  private checkPosting({ account, transfer, kind, amount, effectiveAt, posting }: TransferLine): void {
    if (posting === null) return;
    const { findings } = this.context;
    const key = [posting.reference];
    findings.same('posting', key, 'transfer', { expected: transfer, found: posting.transfer });
    findings.same('posting', key, 'account', { expected: account, found: posting.account });
    // A reversal tells what it took back; its first transfer may be the debt for what it could not.
    if (kind !== 'owe') findings.same('posting', key, 'amount', { expected: amount, found: posting.amount });
    findings.same('posting', key, 'effectiveAt', { expected: effectiveAt, found: posting.effectiveAt });
    if (posting.refusal !== null) findings.add('posting', key, 'no refusal: it was posted', posting.refusal);
  }

  private checkLeaf(transfer: TransferLine, key: readonly string[]): void {
    if (transfer.seal === null) return;
    const { block, leaf, hash } = transfer.seal;
    const found = transferLeaf(this.factsOf(transfer));
    if (found !== hash)
      this.context.findings.add(
        'transfer',
        key,
        `what block ${block} sealed as leaf ${leaf}, ${hash}`,
        `${found}: the transfer, one of its draws, a lot or a hold that it made, or its posting was changed`,
      );
  }

  private factsOf(transfer: TransferLine): TransferFacts {
    const ends = [...(transfer.seal?.lotEnds ?? [])];
    const hold = transfer.kind === 'hold' && transfer.hold !== null ? this.holds.get(transfer.hold)?.row : undefined;
    return {
      ...transfer,
      programme: this.context.programme,
      draws: transfer.draws.map(({ lot, amount }) => {
        if (!grants(transfer.kind, amount)) return { lot, amount, granted: null };
        const expiresAt = ends.shift() ?? null;
        const row = this.lots.get(lot)?.row;
        return { lot, amount, granted: row ? { ...row, expiresAt } : null };
      }),
      reserved: hold ?? null,
      extended: this.extensions.get(transfer.transfer) ?? null,
      posting: transfer.posting && postedOf(transfer.posting),
    };
  }

  private finishHold({ row, captured, released, made }: RebuiltHold): void {
    const { findings } = this.context;
    const key = [row.account, row.hold];
    if (!made) findings.add('hold', key, 'a transfer that made it', 'none');
    findings.same('hold', key, 'captured', { expected: captured, found: whole(row.captured) });
    const isEnded = released !== undefined || captured === whole(row.amount);
    findings.same('hold', key, 'ended', { expected: isEnded, found: row.ended });
    if (released !== undefined && released !== whole(row.amount) - captured)
      findings.add('hold', key, `${whole(row.amount) - captured} released, which was not captured`, `${released} released`);
    if (isEnded || !made) return;
    // Captures take the parts from the front.
    let taken = captured;
    row.lots.forEach((id, index) => {
      const part = whole(row.parts[index] ?? 0);
      const gone = taken < part ? taken : part;
      taken -= gone;
      const lot = this.lots.get(id);
      if (lot) lot.held += part - gone;
      else findings.add('lot', [row.account, id], `a row, which hold ${row.hold} reserves`, 'none');
    });
  }

  private finishLot(lot: RebuiltLot): void {
    const { row, remaining, expired, held, grant } = lot;
    const { findings } = this.context;
    const key = [row.account, row.lot];
    if (!grant) findings.add('lot', key, 'a transfer that granted it', 'none');
    findings.same('lot', key, 'remaining', { expected: remaining, found: whole(row.remaining) });
    findings.same('lot', key, 'held', { expected: held, found: whole(row.held) });
    findings.same('lot', key, 'expired', { expected: expired, found: whole(row.expired) });
    if (grant) this.finishEnd(lot, grant);
  }

  /** From the end that the chain has sealed, over all that moved it, to the one that the lot has. */
  private finishEnd({ row, extensions }: RebuiltLot, grant: Grant): void {
    const { findings } = this.context;
    const [first] = extensions;
    // Of a grant that is not sealed yet, nothing but the lot itself says where it began.
    if (!grant.isSealed && !first) return;
    let end = grant.isSealed ? grant.end : (first?.fromEnd ?? null);
    for (const { account, lot, fromEnd, toEnd } of extensions) {
      if (fromEnd !== end && !this.isMovedByUse(row, grant, { from: end, to: fromEnd }))
        findings.add(
          'extension',
          [account, lot, toEnd],
          `fromEnd ${end ?? 'null'}, or later by a use of the account`,
          `fromEnd ${fromEnd}`,
        );
      end = toEnd;
    }
    const isClosed = row.expiresAt !== null && row.expiresAt === this.context.closesAt && (end === null || row.expiresAt < end);
    if (row.expiresAt !== end && !isClosed && !this.isMovedByUse(row, grant, { from: end, to: row.expiresAt }))
      findings.add(
        'lot',
        [row.account, row.lot],
        `expiresAt ${end ?? 'null'}, or later by a use of the account`,
        `expiresAt ${row.expiresAt ?? 'null'}`,
      );
  }

  /** An end that moved because the account was used, after the grant, under a rule that says so. */
  private isMovedByUse(row: Row<'lot'>, grant: Grant, { from, to }: { from: string | null; to: string | null }): boolean {
    const rule = this.context.rules.get(row.ruleVersion)?.expiry;
    if (!rule || from === null || to === null || to < from) return false;
    return [...this.uses].some(([day, transfer]) => transfer > grant.transfer && expiresAtAfterUse(rule, startOfDayJst(day)) === to);
  }
}

interface RebuiltLot {
  readonly row: Row<'lot'>;
  remaining: bigint;
  expired: bigint;
  held: bigint;
  grant: Grant | undefined;
  readonly extensions: Row<'extension'>[];
}

interface Grant {
  readonly transfer: string;
  readonly isSealed: boolean;
  readonly end: string | null;
}

interface RebuiltHold {
  readonly row: Row<'hold'>;
  captured: bigint;
  released: bigint | undefined;
  made: boolean;
}

const useKinds: ReadonlySet<string> = new Set(['spend', 'convert', 'donate', 'transfer-out']);

export function keyOf({ account, effectiveAt, transfer }: Pick<Row<'transfer'>, 'account' | 'effectiveAt' | 'transfer'>): string[] {
  return [account, effectiveAt, transfer];
}

/** Sums of many amounts near the largest safe integer are none themselves. What is no whole number counts as nothing, and is found by its leaf. */
export function whole(value: number): bigint {
  return Number.isInteger(value) ? BigInt(value) : 0n;
}
