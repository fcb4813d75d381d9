import { Type, type Static } from '@sinclair/typebox';
import { defineContract } from './contract.js';
import { holderAccount, instant, municipality, programme, reference } from './fields.js';

const outcome = Type.Union([
  Type.Object({
    status: Type.Literal('posted'),
    posting: Type.String({ format: 'uuid', description: 'id of the transfer or of the hold’s movement' }),
    amount: Type.Integer({ minimum: 0, description: 'points moved, held or released; of a reversal, the points taken back' }),
    owed: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'of a reversal: points that could not be taken back any more and became a debt, which the next grants pay',
      }),
    ),
    repaid: Type.Optional(Type.Integer({ minimum: 1, description: 'of an issue: points of it that paid a debt at once; absent: none' })),
    effectiveAt: instant,
    balance: Type.Integer({ description: 'posted balance of the holder after it' }),
    available: Type.Integer({ description: 'balance less what is held' }),
  }),
  Type.Object({
    status: Type.Literal('refused'),
    code: Type.String({ pattern: '^[a-z][a-z-]+$', description: 'stable code, listed in the ledger’s README' }),
    detail: Type.String({ maxLength: 300 }),
    facts: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
  }),
]);
export type PostingOutcome = Static<typeof outcome>;

const data = Type.Object({
  reference,
  municipality,
  programme,
  account: holderAccount,
  kind: Type.String(),
  outcome,
  completedAt: instant,
});
export type PostingCompleted = Static<typeof data>;

export const postingCompletedV1 = defineContract({
  type: 'ledger.posting-completed.v1',
  topic: 'ledger.postings',
  summary: 'What became of a requested posting: posted, or refused with a stable code. A repeated request gets the first outcome again.',
  schema: data,
  key: (event) => `${event.programme}/${event.account}`,
  tenant: (event) => event.municipality,
});
