/**
 * What a line of an export holds: the columns of a table, under their names in camelCase. From this one list come the types, the
 * statements that read and write, and the check of a line that comes in. `tenant` and `programme` are not repeated in every line.
 * A mark of interrogation says that null is possible.
 */
export const columns = {
  programme: {
    programme: 'text',
    name: 'text',
    firstDay: 'day',
    lastDay: 'day?',
    lastGrantDay: 'day?',
    historyOpen: 'flag',
    frozen: 'flag',
    closingAnnounced: 'integer?',
    createdAt: 'instant',
  },
  rule: { version: 'integer', validFrom: 'day', rules: 'json', createdAt: 'instant' },
  periodClose: {
    fiscalYear: 'integer',
    change: 'integer',
    closed: 'flag',
    holdsFrom: 'instant',
    changedAt: 'instant',
    actor: 'text',
    reason: 'text',
  },
  freezeChange: { change: 'uuid', account: 'text?', frozen: 'flag', reason: 'text', actor: 'text', changedAt: 'instant' },
  adjustment: {
    adjustment: 'uuid',
    account: 'text',
    direction: 'text',
    amount: 'points',
    funding: 'text',
    reason: 'text',
    askedBy: 'text',
    askedAt: 'instant',
    approvedBy: 'text?',
    approvedAt: 'instant?',
    outcome: 'json?',
  },
  extensionOrder: {
    extension: 'uuid',
    holders: 'texts?',
    endingFrom: 'day?',
    endingTo: 'day?',
    source: 'text?',
    funding: 'text?',
    lastDay: 'day?',
    days: 'integer?',
    reason: 'text',
    askedBy: 'text',
    askedAt: 'instant',
    expectedLots: 'integer',
    expectedPoints: 'points',
    expectedHolders: 'integer',
    needsApproval: 'flag',
    approvedBy: 'text?',
    approvedAt: 'instant?',
    afterAccount: 'text',
    finishedAt: 'instant?',
  },
  counter: { account: 'text', key: 'text', period: 'text', times: 'integer', points: 'points' },
  block: {
    number: 'integer',
    previous: 'hash?',
    skip: 'hash?',
    leaves: 'hash',
    root: 'hash',
    sealedAt: 'instant',
    hash: 'hash',
  },
  account: { account: 'text', balance: 'points', held: 'points', lapsed: 'points', debt: 'points', frozen: 'flag', latestAt: 'instant' },
  lot: {
    account: 'text',
    lot: 'uuid',
    priority: 'integer',
    grantedAt: 'instant',
    expiresAt: 'instant?',
    usableAt: 'texts',
    source: 'text',
    funding: 'text',
    ruleVersion: 'integer',
    amount: 'points',
    remaining: 'points',
    held: 'points',
    expired: 'points',
  },
  hold: {
    account: 'text',
    hold: 'uuid',
    amount: 'points',
    captured: 'points',
    ended: 'flag',
    heldAt: 'instant',
    expiresAt: 'instant?',
    places: 'texts',
    lots: 'uuids',
    parts: 'amounts',
  },
  extension: {
    account: 'text',
    lot: 'uuid',
    transfer: 'uuid',
    extension: 'uuid',
    points: 'points',
    fromEnd: 'instant',
    toEnd: 'instant',
    effectiveAt: 'instant',
    recordedAt: 'instant',
  },
  transfer: {
    account: 'text',
    transfer: 'uuid',
    kind: 'text',
    counter: 'text?',
    amount: 'points',
    effectiveAt: 'instant',
    recordedAt: 'instant',
    hold: 'uuid?',
    of: 'uuid?',
    reference: 'text?',
    actor: 'text',
    reason: 'text?',
  },
  entry: { account: 'text', effectiveAt: 'instant', transfer: 'uuid', amount: 'points' },
  draw: { account: 'text', transfer: 'uuid', seq: 'integer', lot: 'uuid', amount: 'points' },
  posting: {
    reference: 'text',
    account: 'text',
    kind: 'text',
    fingerprint: 'text',
    transfer: 'uuid?',
    amount: 'points?',
    effectiveAt: 'instant?',
    balance: 'points?',
    available: 'points?',
    refusal: 'json?',
    completedAt: 'instant',
  },
  seal: {
    transfer: 'uuid',
    account: 'text',
    effectiveAt: 'instant',
    block: 'integer',
    leaf: 'integer',
    hash: 'hash',
    lotEnds: 'instants?',
  },
  ruleSeal: { version: 'integer', block: 'integer', leaf: 'integer', hash: 'hash' },
} as const satisfies Record<string, Record<string, Kind | `${Kind}?`>>;

/** The table behind a line. */
export const tableOf = {
  programme: 'programme',
  rule: 'programme_rule',
  periodClose: 'period_close',
  freezeChange: 'freeze_change',
  adjustment: 'adjustment',
  extensionOrder: 'extension_order',
  counter: 'counter',
  block: 'block',
  account: 'account',
  lot: 'lot',
  hold: 'hold',
  extension: 'extension',
  transfer: 'transfer',
  entry: 'entry',
  draw: 'draw',
  posting: 'posting',
  seal: 'seal',
  ruleSeal: 'rule_seal',
} as const satisfies Record<keyof typeof columns, string>;

export type RowName = keyof typeof columns;
export type Row<Name extends RowName> = { readonly [Field in keyof (typeof columns)[Name]]: Value<(typeof columns)[Name][Field] & string> };

/** Tables whose rows go along as they are, with their keys. */
export const plainKeys = {
  periodClose: 'fiscal_year, change',
  freezeChange: 'change',
  adjustment: 'adjustment',
  extensionOrder: 'extension',
  counter: 'account, key, period',
} as const satisfies Partial<Record<RowName, string>>;
export type PlainName = keyof typeof plainKeys;
export const plainNames = Object.keys(plainKeys) as readonly PlainName[];

/** One line. A transfer brings its entries, draws, posting and seal with it; an account comes before its lots, holds, extensions and transfers. */
export type Line =
  | { readonly type: 'ledger'; readonly format: typeof format }
  | ({ readonly type: 'programme' } & Row<'programme'>)
  | ({ readonly type: 'rule'; readonly seal: Omit<Row<'ruleSeal'>, 'version'> | null } & Row<'rule'>)
  | { readonly [Name in PlainName]: { readonly type: Name } & Row<Name> }[PlainName]
  | ({ readonly type: 'block' } & Row<'block'>)
  | { readonly type: 'stray'; readonly table: RowName; readonly row: Readonly<Record<string, unknown>> }
  | ({ readonly type: 'account' } & Row<'account'>)
  | ({ readonly type: 'lot' } & Row<'lot'>)
  | ({ readonly type: 'hold' } & Row<'hold'>)
  | ({ readonly type: 'extension' } & Row<'extension'>)
  | TransferLine
  | ({ readonly type: 'posting' } & Row<'posting'>)
  | { readonly type: 'end'; readonly lines: number };

export type TransferLine = {
  readonly type: 'transfer';
  readonly entries: readonly Pick<Row<'entry'>, 'account' | 'amount'>[];
  readonly draws: readonly Pick<Row<'draw'>, 'seq' | 'lot' | 'amount'>[];
  readonly posting: Row<'posting'> | null;
  readonly seal: Pick<Row<'seal'>, 'block' | 'leaf' | 'hash' | 'lotEnds'> | null;
} & Row<'transfer'>;

/** Changes when a reader of today could no longer read it. */
export const format = 'municipal-points-ledger/1';

export type Kind =
  | 'text'
  | 'uuid'
  /** A whole number of points, a safe integer. */
  | 'points'
  | 'integer'
  /** UTC with milliseconds; microseconds where the database has them. */
  | 'instant'
  | 'day'
  | 'flag'
  | 'json'
  /** Hex. */
  | 'hash'
  | 'texts'
  | 'uuids'
  | 'amounts'
  /** With null for a lot that never ends. */
  | 'instants';

type Value<K extends string> = K extends `${infer Some extends Kind}?` ? Plain<Some> | null : K extends Kind ? Plain<K> : never;
type Plain<K extends Kind> = K extends 'points' | 'integer'
  ? number
  : K extends 'flag'
    ? boolean
    : K extends 'json'
      ? unknown
      : K extends 'texts' | 'uuids'
        ? readonly string[]
        : K extends 'instants'
          ? readonly (string | null)[]
          : K extends 'amounts'
            ? readonly number[]
            : string;
