// The partner's own books: what each account has, what of it is reserved, what was taken. Reservations obey the contract of
// docs/guides/partner-endpoint.md; the time comes in as an argument.
import { randomBytes } from 'node:crypto';

export const reservationStates = ['reserved', 'committed', 'cancelled', 'lapsed', 'refused'] as const;
export type ReservationState = (typeof reservationStates)[number];

export interface Reservation {
  readonly id: string;
  /** Null for one that was cancelled before it was asked for. */
  readonly account: string | null;
  readonly points: number;
  readonly state: ReservationState;
  readonly lapsesAt: string | null;
  readonly receipt?: string;
  readonly refusal?: { readonly code: RefusalCode; readonly detail: string };
}

export const refusalCodes = ['insufficient-points', 'limit-exceeded', 'account-blocked'] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export interface AccountTerms {
  readonly id: string;
  readonly granted: number;
  /** The most that one reservation may take. */
  readonly reservationMax: number | null;
  readonly isBlocked: boolean;
}

export interface Balance {
  readonly account: string;
  readonly available: number;
  readonly reserved: number;
  readonly taken: number;
}

/** Rules that a partner's endpoint may break; each is caught by a check of the conformance kit. */
export const defects = [
  'reserve-again',
  'other-amount',
  'commit-again',
  'cancel-after-commit',
  'commit-after-cancel',
  'commit-unknown',
  'read-unknown',
  'forget-early-cancel',
  'overdraw',
  'any-amount',
  'never-lapse',
  'commit-lapsed',
  'forget-refusal',
  'racing-duplicates',
  'malformed-crashes',
  'no-authorization',
  'any-token',
  'any-scope',
  'slow',
] as const;
export type Defect = (typeof defects)[number];

/** An outcome by the name of the contract; what each is answered with is the matter of the API. */
export type Outcome =
  | { readonly kind: 'new' | 'known'; readonly reservation: Reservation }
  | { readonly kind: 'refused'; readonly reservation: Reservation }
  | { readonly kind: 'conflict'; readonly code: ConflictCode; readonly reservation: Reservation }
  | { readonly kind: 'unknown' };
export type ConflictCode = 'reservation-exists' | 'already-committed' | 'already-cancelled' | 'lapsed' | 'refused';

/** What is kept: the account's terms, or a reservation as it is from now on. */
export type BookRecord =
  { readonly kind: 'account'; readonly account: AccountTerms } | { readonly kind: 'reservation'; readonly reservation: Reservation };

export interface BooksOptions {
  readonly lapseSeconds: number;
  readonly defects: ReadonlySet<Defect>;
  readonly kept: readonly BookRecord[];
  readonly keep: (record: BookRecord) => void;
}

export class Books {
  private readonly accounts = new Map<string, AccountTerms>();
  private readonly reservations = new Map<string, Reservation>();
  /** The first set of books: running balances, moved with each step. The second is what `check` makes of the reservations. */
  private readonly balances = new Map<string, { available: number; reserved: number; taken: number }>();
  private readonly options: BooksOptions;

  constructor(options: BooksOptions) {
    this.options = { ...options, keep: () => undefined };
    for (const record of options.kept)
      if (record.kind === 'account') this.putAccount(record.account);
      else this.write(record.reservation);
    this.options = options;
  }

  putAccount(account: AccountTerms): void {
    const before = this.accounts.get(account.id);
    const balance = this.balanceOf(account.id);
    balance.available += account.granted - (before?.granted ?? 0);
    this.accounts.set(account.id, account);
    this.options.keep({ kind: 'account', account });
  }

  findAccount(id: string): AccountTerms | undefined {
    return this.accounts.get(id);
  }

  balance(id: string, now: Date): Balance {
    this.lapse(now);
    return { account: id, ...this.balanceOf(id) };
  }

  read(id: string, now: Date): Reservation | undefined {
    this.lapse(now);
    return this.reservations.get(id);
  }

  reserve(id: string, account: string, points: number, now: Date, refuse?: RefusalCode): Outcome {
    const known = this.read(id, now);
    if (known && !this.isBrokenFor(known)) {
      const isSame = known.account === account && (known.points === points || this.has('other-amount'));
      if (known.account !== null && !isSame) return { kind: 'conflict', code: 'reservation-exists', reservation: known };
      switch (known.state) {
        case 'cancelled':
          return { kind: 'conflict', code: 'already-cancelled', reservation: known };
        case 'lapsed':
          return { kind: 'conflict', code: 'lapsed', reservation: known };
        case 'refused':
          return { kind: 'refused', reservation: known };
        case 'reserved':
        case 'committed':
          return { kind: 'known', reservation: known };
      }
    }
    return this.reserveNew(known?.state === 'reserved' ? this.freeId(id) : id, account, points, now, refuse);
  }

  /** Without looking whether the id is known: the second half of a reservation, and the whole of one in a broken endpoint. */
  reserveNew(id: string, account: string, points: number, now: Date, refuse?: RefusalCode): Outcome {
    const code = refuse ?? this.refusalOf(account, points);
    if (code) {
      const refusal = { code, detail: refusalDetails[code] };
      const reservation = this.write({ id, account, points, state: 'refused', lapsesAt: null, refusal });
      return { kind: 'refused', reservation };
    }
    const lapsesAt = new Date(now.getTime() + this.options.lapseSeconds * 1_000).toISOString();
    return { kind: 'new', reservation: this.write({ id, account, points, state: 'reserved', lapsesAt }) };
  }

  commit(id: string, now: Date): Outcome {
    const known = this.read(id, now);
    if (!known) return this.has('commit-unknown') ? this.pretend(id) : { kind: 'unknown' };
    switch (known.state) {
      case 'reserved':
        return { kind: 'new', reservation: this.write({ ...known, state: 'committed', receipt: newReceipt() }) };
      case 'committed':
        if (this.has('commit-again'))
          return { kind: 'known', reservation: this.write({ ...known, id: this.freeId(id), receipt: newReceipt() }) };
        return { kind: 'known', reservation: known };
      case 'cancelled':
        if (this.has('commit-after-cancel') && known.account !== null)
          return { kind: 'new', reservation: this.write({ ...known, state: 'committed', receipt: newReceipt() }) };
        return { kind: 'conflict', code: 'already-cancelled', reservation: known };
      case 'lapsed':
        if (this.has('commit-lapsed'))
          return { kind: 'new', reservation: this.write({ ...known, state: 'committed', receipt: newReceipt() }) };
        return { kind: 'conflict', code: 'lapsed', reservation: known };
      case 'refused':
        return { kind: 'conflict', code: 'refused', reservation: known };
    }
  }

  /** Of an id that was never reserved too: should the reservation arrive later, it is refused. */
  cancel(id: string, now: Date): Outcome {
    const known = this.read(id, now);
    if (!known) {
      const early: Reservation = { id, account: null, points: 0, state: 'cancelled', lapsesAt: null };
      return { kind: 'new', reservation: this.has('forget-early-cancel') ? early : this.write(early) };
    }
    switch (known.state) {
      case 'reserved':
        return { kind: 'new', reservation: this.write({ ...known, state: 'cancelled' }) };
      case 'committed': {
        if (!this.has('cancel-after-commit')) return { kind: 'conflict', code: 'already-committed', reservation: known };
        return { kind: 'new', reservation: this.write({ ...known, state: 'cancelled' }) };
      }
      // Nothing is reserved under it: what was asked is so.
      case 'cancelled':
      case 'lapsed':
      case 'refused':
        return { kind: 'known', reservation: known };
    }
  }

  /** For tests: the time of this reservation is over now. */
  lapseNow(id: string): void {
    const known = this.reservations.get(id);
    if (known?.state === 'reserved') this.write({ ...known, state: 'lapsed' });
  }

  /** What a partner's staff does by hand when a reservation has lapsed too soon. */
  reinstate(id: string, now: Date): void {
    const known = this.read(id, now);
    if (known?.state !== 'lapsed') return;
    const lapsesAt = new Date(now.getTime() + this.options.lapseSeconds * 1_000).toISOString();
    this.write({ ...known, state: 'reserved', lapsesAt });
  }

  all(now: Date): { readonly balances: Balance[]; readonly reservations: Reservation[]; readonly differences: string[] } {
    this.lapse(now);
    return {
      balances: [...this.accounts.keys()].map((id) => ({ account: id, ...this.balanceOf(id) })),
      reservations: [...this.reservations.values()],
      differences: this.check(),
    };
  }

  freeId(id: string): string {
    for (let n = 2; ; n++) if (!this.reservations.has(`${id}#${n}`)) return `${id}#${n}`;
  }

  has(defect: Defect): boolean {
    return this.options.defects.has(defect);
  }

  /** Builds the balances anew from accounts and reservations and compares with the running ones. */
  private check(): string[] {
    const rebuilt = new Map([...this.accounts.values()].map(({ id, granted }) => [id, { available: granted, reserved: 0, taken: 0 }]));
    for (const { account, points, state } of this.reservations.values()) {
      const balance = account === null ? undefined : rebuilt.get(account);
      if (!balance || (state !== 'reserved' && state !== 'committed')) continue;
      balance.available -= points;
      balance[state === 'reserved' ? 'reserved' : 'taken'] += points;
    }
    return [...rebuilt].flatMap(([id, expected]) => {
      const running = this.balanceOf(id);
      return (['available', 'reserved', 'taken'] as const)
        .filter((part) => running[part] !== expected[part])
        .map((part) => `${id}: ${part} is ${running[part]}, the reservations say ${expected[part]}`);
    });
  }

  private isBrokenFor({ state }: Reservation): boolean {
    return (this.has('reserve-again') && state === 'reserved') || (this.has('forget-refusal') && state === 'refused');
  }

  private refusalOf(id: string, points: number): RefusalCode | undefined {
    const account = this.accounts.get(id);
    if (!account || account.isBlocked) return 'account-blocked';
    if (account.reservationMax !== null && points > account.reservationMax) return 'limit-exceeded';
    return points > this.balanceOf(id).available && !this.has('overdraw') ? 'insufficient-points' : undefined;
  }

  private pretend(id: string): Outcome {
    return { kind: 'new', reservation: { id, account: null, points: 0, state: 'committed', lapsesAt: null, receipt: newReceipt() } };
  }

  private lapse(now: Date): void {
    if (this.has('never-lapse')) return;
    for (const one of this.reservations.values())
      if (one.state === 'reserved' && one.lapsesAt !== null && Date.parse(one.lapsesAt) <= now.getTime())
        this.write({ ...one, state: 'lapsed' });
  }

  /** The one place where points move: out of the part where the reservation had them, into the part where it has them now. */
  private write(reservation: Reservation): Reservation {
    const before = this.reservations.get(reservation.id);
    // Kept before it counts: what was answered is known after a crash too.
    this.options.keep({ kind: 'reservation', reservation });
    if (before) this.move(before, -1);
    this.move(reservation, 1);
    this.reservations.set(reservation.id, reservation);
    return reservation;
  }

  private move({ account, points, state }: Reservation, sign: 1 | -1): void {
    if (account === null || (state !== 'reserved' && state !== 'committed')) return;
    const balance = this.balanceOf(account);
    balance.available -= sign * points;
    balance[state === 'reserved' ? 'reserved' : 'taken'] += sign * points;
  }

  private balanceOf(id: string): { available: number; reserved: number; taken: number } {
    const balance = this.balances.get(id) ?? { available: 0, reserved: 0, taken: 0 };
    this.balances.set(id, balance);
    return balance;
  }
}

const refusalDetails: Readonly<Record<RefusalCode, string>> = {
  'insufficient-points': 'the account has fewer points than asked for',
  'limit-exceeded': 'more than the account may give at a time',
  'account-blocked': 'the account is blocked',
};

function newReceipt(): string {
  return `PS-${randomBytes(6).toString('hex').toUpperCase()}`;
}
