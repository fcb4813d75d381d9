import { endOfDayJst, type LocalDate } from '@points/kernel';
import { columns, format, tableOf, type Line, type Row, type RowName } from '../move/lines.js';
import { ruleLeaf } from '../chain/leaf.js';
import type { Rules } from '../rules/programme.js';
import { AccountCheck, keyOf, whole } from './check-account.js';
import { ChainCheck } from './check-chain.js';
import { Findings } from './findings.js';

export interface VerifyOptions {
  /** A hash that was published: a block of the chain must have it. */
  readonly head?: string;
  /** Transfers older than this must be sealed; measured from `now`, or from the latest time in the books. */
  readonly unsealedMinutesMax?: number;
  readonly now?: string;
}

export interface Verified {
  readonly programme: string;
  readonly findings: Findings;
  readonly rows: Readonly<Record<string, number>>;
  /** What the holders' entries add up to, by kind of transfer. */
  readonly totals: Readonly<Record<string, bigint>>;
  readonly outstanding: bigint;
  readonly unsealed: number;
  readonly head: ChainCheck['head'];
}

/** Reads the books of one programme once, from the first line to the last, and compares all that can be derived with all that is there. */
export async function checkBooks(lines: AsyncIterable<Line>, options: VerifyOptions = {}): Promise<Verified> {
  const check = new BooksCheck(options);
  for await (const line of lines) check.line(line);
  return check.finish();
}

class BooksCheck {
  private readonly findings = new Findings();
  private readonly rows: Record<string, number> = {};
  private readonly totals: Record<string, bigint> = {};
  private readonly systemSums = new Map<string, bigint>();
  private readonly rules = new Map<number, Rules>();
  private programme: string | undefined;
  private closesAt: string | null = null;
  private chain: ChainCheck | undefined;
  private account: AccountCheck | undefined;
  private accountId: string | undefined;
  private outstanding = 0n;
  private lines = 0;
  private ended = false;
  private latest = '';
  private unsealed = 0;
  private oldestUnsealed: { key: readonly string[]; table: string; at: string } | undefined;

  constructor(private readonly options: VerifyOptions) {}

  line(line: Line): void {
    if (this.ended) this.findings.add('file', 'end', 'no line behind the end', line.type);
    if (line.type !== 'end') this.lines++;
    this.rows[line.type] = (this.rows[line.type] ?? 0) + 1;
    switch (line.type) {
      case 'ledger':
        this.findings.same('file', 'head', 'format', { expected: format, found: line.format });
        return;
      case 'programme':
        this.programme = line.programme;
        this.closesAt = line.lastDay === null ? null : endOfDayJst(line.lastDay as LocalDate);
        this.chain = new ChainCheck(line.programme, this.findings, this.options.head);
        return;
      case 'rule':
        return this.rule(line);
      case 'block':
        this.see(line.sealedAt);
        return this.chain?.block(line);
      case 'periodClose':
      case 'freezeChange':
      case 'adjustment':
      case 'extensionOrder':
      case 'counter':
        // Nothing of the balances depends on them.
        return;
      case 'stray':
        return this.stray(line);
      case 'account':
        this.account?.finish();
        this.accountId = line.account;
        this.account = new AccountCheck(line, {
          programme: this.programme ?? '',
          findings: this.findings,
          rules: this.rules,
          closesAt: this.closesAt,
        });
        this.outstanding += whole(line.balance);
        return;
      case 'lot':
        if (this.belongs('lot', line)) this.account?.lot(line);
        return;
      case 'hold':
        if (this.belongs('hold', line)) this.account?.hold(line);
        return;
      case 'extension':
        if (this.belongs('extension', line)) this.account?.extension(line);
        return;
      case 'transfer':
        if (this.belongs('transfer', line)) this.transfer(line);
        return;
      case 'posting':
        if (line.refusal === null || line.transfer !== null)
          this.findings.add('posting', [line.reference], 'a refusal, or a transfer of its own', 'neither');
        return;
      case 'end':
        this.ended = true;
        this.findings.same('file', 'end', 'lines', { expected: this.lines, found: line.lines });
        return;
    }
  }

  finish(): Verified {
    // Of a file that was cut, the last account is not complete.
    if (this.ended) this.account?.finish();
    if (this.programme === undefined) this.findings.add('programme', 'programme', 'a programme', 'none');
    if (!this.ended) this.findings.add('file', 'end', 'a last line that says how many there are', 'none: the rest is missing');
    this.chain?.finish();
    const moved = Object.values(this.totals).reduce((sum, one) => sum + one, 0n);
    this.findings.same('account', 'all holders', 'balances', { expected: moved, found: this.outstanding });
    const between = this.systemSums.get('transfers:between-holders') ?? 0n;
    this.findings.same('entry', 'transfers:between-holders', 'sum', { expected: 0n, found: between });
    this.checkUnsealed();
    return {
      programme: this.programme ?? '',
      findings: this.findings,
      rows: this.rows,
      totals: this.totals,
      outstanding: this.outstanding,
      unsealed: this.unsealed,
      head: this.chain?.head,
    };
  }

  private rule({ seal, ...rule }: Extract<Line, { type: 'rule' }>): void {
    // Only the expiry is read, and a rule that has none fails to match its leaf besides.
    this.rules.set(rule.version, rule.rules as Rules);
    const key = [rule.version];
    if (seal === null) return this.leftUnsealed('programme_rule', [String(rule.version)], rule.createdAt);
    const found = ruleLeaf({ ...rule, programme: this.programme ?? '' });
    if (found !== seal.hash)
      this.findings.add('programme_rule', key, `what block ${seal.block} sealed as leaf ${seal.leaf}, ${seal.hash}`, found);
    this.chain?.seal(seal);
  }

  private transfer(line: Extract<Line, { type: 'transfer' }>): void {
    this.account?.transfer(line);
    this.see(line.recordedAt);
    if (line.seal) this.chain?.seal(line.seal);
    else this.leftUnsealed('transfer', keyOf(line), line.recordedAt);
    if (line.counter === null) return;
    const signed = line.draws.reduce((sum, draw) => sum + whole(draw.amount), 0n);
    this.totals[line.kind] = (this.totals[line.kind] ?? 0n) + signed;
    const systemAccount = line.counter;
    const own = line.entries.find((entry) => entry.account === systemAccount);
    if (isKept(systemAccount)) this.systemSums.set(systemAccount, (this.systemSums.get(systemAccount) ?? 0n) + whole(own?.amount ?? 0));
  }

  /** What is left over says what is missing. */
  private stray({ table, row }: Extract<Line, { type: 'stray' }>): void {
    const key = (name: RowName) => Object.keys(columns[name]).flatMap((field) => (keyFields.has(field) ? [String(row[field])] : []));
    switch (table) {
      case 'seal':
        return this.findings.add(
          'transfer',
          keyOf(row as unknown as Row<'seal'>),
          `what block ${String(row['block'])} sealed as leaf ${String(row['leaf'])}`,
          'none',
        );
      case 'ruleSeal':
        return this.findings.add(
          'programme_rule',
          key(table),
          `what block ${String(row['block'])} sealed as leaf ${String(row['leaf'])}`,
          'none',
        );
      case 'transfer':
      case 'lot':
      case 'hold':
        return this.findings.add('account', String(row['account']), `a row, which ${table} ${String(row[table])} belongs to`, 'none');
      default:
        return this.findings.add(tableOf[table], key(table), 'the transfer that it belongs to', 'none');
    }
  }

  private belongs(table: string, { account }: { readonly account: string }): boolean {
    if (account === this.accountId) return true;
    this.findings.add(table, [account], `a line behind its account, ${this.accountId ?? 'of which there is none yet'}`, account);
    return false;
  }

  private see(at: string): void {
    if (at > this.latest) this.latest = at;
  }

  private leftUnsealed(table: string, key: readonly string[], at: string): void {
    this.unsealed++;
    if (this.oldestUnsealed === undefined || at < this.oldestUnsealed.at) this.oldestUnsealed = { table, key, at };
  }

  private checkUnsealed(): void {
    const { unsealedMinutesMax = unsealedMinutesUnlessTold, now = this.latest } = this.options;
    if (!this.oldestUnsealed || now === '') return;
    const { table, key, at } = this.oldestUnsealed;
    const limit = new Date(Date.parse(now) - unsealedMinutesMax * 60_000).toISOString();
    if (at < limit)
      this.findings.add(
        table,
        key,
        `sealed within ${unsealedMinutesMax} minutes, at ${now}`,
        `recorded at ${at}, unsealed; ${this.unsealed} such rows`,
      );
  }
}

/** The sum of a merchant is nobody's claim here; the clearing account's is. */
function isKept(account: string): boolean {
  return account.startsWith('transfers:');
}

const keyFields: ReadonlySet<string> = new Set(['account', 'effectiveAt', 'transfer', 'seq', 'lot', 'hold', 'reference', 'version']);
const unsealedMinutesUnlessTold = 10;
