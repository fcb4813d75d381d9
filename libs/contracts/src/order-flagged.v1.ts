import { Type, type Static } from '@sinclair/typebox';
import { defineContract } from './contract.js';
import { holderAccount, instant, municipality, programme } from './fields.js';

const data = Type.Object({
  municipality,
  programme,
  partner: Type.String({ maxLength: 60 }),
  orderId: Type.String({ maxLength: 64, description: 'the partner’s own id of the order' }),
  account: holderAccount,
  action: Type.Union([Type.Literal('alert'), Type.Literal('review'), Type.Literal('refuse')], {
    description: 'what became of it: it went on, it waits for a person, or nothing was stored of it',
  }),
  hits: Type.Array(
    Type.Object({
      rule: Type.String({ maxLength: 60 }),
      measure: Type.Union([Type.Literal('orders'), Type.Literal('points'), Type.Literal('holders')]),
      by: Type.Union([Type.Literal('holder'), Type.Literal('partner'), Type.Literal('address'), Type.Literal('device')]),
      value: Type.Integer({ minimum: 0 }),
      limit: Type.Integer({ minimum: 0 }),
    }),
    { minItems: 1, maxItems: 50, description: 'the rules that it broke' },
  ),
  flaggedAt: instant,
});
export type OrderFlagged = Static<typeof data>;

export const orderFlaggedV1 = defineContract({
  type: 'exchange.order-flagged.v1',
  topic: 'exchange.alerts',
  summary: 'An exchange order broke rules that watch for fraud: whoever guards the programme can look at once.',
  schema: data,
  key: (event) => `${event.programme}/${event.account}`,
  tenant: (event) => event.municipality,
});
