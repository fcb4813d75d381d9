import { Type, type Static } from '@sinclair/typebox';
import { defineContract } from './contract.js';
import { instant, municipality, programme, tag } from './fields.js';

const day = Type.String({ format: 'date', pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'a day in Tokyo' });

const expiry = Type.Union([
  Type.Object({ kind: Type.Literal('days-after-grant'), days: Type.Integer({ minimum: 0 }) }),
  Type.Object({ kind: Type.Literal('end-of-month'), months: Type.Integer({ minimum: 0 }) }),
  Type.Object({ kind: Type.Literal('fiscal-year-end'), years: Type.Integer({ minimum: 0 }) }),
  Type.Object({ kind: Type.Literal('fixed-day'), day }),
  Type.Object({ kind: Type.Literal('months-after-last-use'), months: Type.Integer({ minimum: 1 }) }),
  Type.Object({ kind: Type.Literal('none') }),
]);

const data = Type.Object({
  municipality,
  programme,
  name: Type.String({ maxLength: 100, description: 'as holders know it' }),
  firstDay: day,
  lastGrantDay: Type.Optional(day),
  lastUseDay: Type.Optional(day),
  versions: Type.Array(
    Type.Object({
      version: Type.Integer({ minimum: 1 }),
      validFrom: day,
      expiry,
      usableAt: Type.Array(tag, { description: 'places where its points can be used; none: anywhere' }),
    }),
    {
      minItems: 1,
      maxItems: 200,
      description: 'of the rules, by the day from which they hold; before the first one, the first holds. At most the last 200',
    },
  ),
  changedAt: instant,
});
export type ProgrammeChanged = Static<typeof data>;

export const programmeChangedV1 = defineContract({
  type: 'ledger.programme-changed.v1',
  topic: 'ledger.programmes',
  summary: 'A programme was set up, or set anew: how long its points live and where they can be used. The newest of a programme holds.',
  schema: data,
  key: (event) => event.programme,
  tenant: (event) => event.municipality,
});
