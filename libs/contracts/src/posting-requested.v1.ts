import { Type, type Static } from '@sinclair/typebox';
import { defineContract } from './contract.js';
import { account, cause, holderAccount, instant, municipality, positivePoints, programme, reference, tag } from './fields.js';

const uuid = Type.String({ format: 'uuid' });
const places = Type.Array(tag, { maxItems: 20, description: 'the tags of the place: a lot is usable if it has no tags or shares one' });

const instruction = Type.Union(
  [
    Type.Object({
      kind: Type.Literal('issue'),
      amount: positivePoints,
      source: Type.String({ pattern: '^[a-z]+:[^\\s]{1,100}$', description: 'who pays: partner:<id>, activity:<id>, staff:<id>' }),
      funding: Type.Union([Type.Literal('paid'), Type.Literal('free')]),
    }),
    Type.Object({ kind: Type.Literal('hold'), hold: uuid, amount: positivePoints, places, expiresAt: Type.Optional(instant) }),
    Type.Object({ kind: Type.Literal('capture'), hold: uuid, amount: positivePoints, final: Type.Boolean(), to: account, use: Type.Optional(Type.Union([Type.Literal('spend'), Type.Literal('convert'), Type.Literal('donate')])) }),
    Type.Object({ kind: Type.Literal('release'), hold: uuid }),
    Type.Object({ kind: Type.Literal('spend'), amount: positivePoints, to: account, places }),
    Type.Object({ kind: Type.Literal('convert'), amount: positivePoints, to: account, places }),
    Type.Object({ kind: Type.Literal('donate'), amount: positivePoints, to: account, places }),
    Type.Object({ kind: Type.Literal('refund'), of: Type.String({ description: 'reference of the posted spend, convert, donate or capture' }), amount: positivePoints }),
    Type.Object({ kind: Type.Literal('transfer'), amount: positivePoints, to: holderAccount }),
    Type.Object({ kind: Type.Literal('reverse'), of: Type.String({ minLength: 1, maxLength: 200, description: 'reference of the posted issue: what is left of it is taken back; of what is not, the programme’s rules say whether it is refused or becomes a debt' }) }),
  ],
  { description: 'what is to be done with the holder’s account' },
);
export type Instruction = Static<typeof instruction>;

const data = Type.Object({
  reference,
  municipality,
  programme,
  account: holderAccount,
  instruction,
  effectiveAt: Type.Optional(instant),
  cause,
});
export type PostingRequested = Static<typeof data>;

export const postingRequestedV1 = defineContract({
  type: 'ledger.posting-requested.v1',
  topic: 'ledger.posting-requests',
  summary: 'Asks the ledger to move points. The answer is one ledger.posting-completed with the same reference.',
  schema: data,
  key: (event) => `${event.programme}/${event.account}`,
  tenant: (event) => event.municipality,
});
