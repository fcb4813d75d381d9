import { Type, type Static } from '@sinclair/typebox';
import { defineContract } from './contract.js';
import { instant, municipality, programme } from './fields.js';

const day = Type.String({ format: 'date', pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'a day in Tokyo' });

const data = Type.Object({
  municipality,
  programme,
  name: Type.String({ maxLength: 100, description: 'as holders know it' }),
  lastGrantDay: Type.Optional(day),
  lastUseDay: day,
  daysLeft: Type.Integer({ minimum: 0, description: 'days after the one of the warning on which points can still be used' }),
  expiresAt: instant,
  outstanding: Type.Object(
    { holders: Type.Integer({ minimum: 0 }), points: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) },
    { description: 'who has how much as the warning is given, without points that are over' },
  ),
  announcedAt: instant,
});
export type ProgrammeClosing = Static<typeof data>;

export const programmeClosingV1 = defineContract({
  type: 'ledger.programme-closing.v1',
  topic: 'ledger.programmes',
  summary:
    'A programme ends soon: whoever speaks to holders can tell them to use their points. Given some days before the end, fewer and fewer.',
  schema: data,
  key: (event) => event.programme,
  tenant: (event) => event.municipality,
});
