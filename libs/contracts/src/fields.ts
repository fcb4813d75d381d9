import { Type } from '@sinclair/typebox';

/** Field shapes that several contracts share. */
export const municipality = Type.String({ pattern: '^[0-9]{6}$', description: '全国地方公共団体コード: the tenant' });
export const programme = Type.String({ pattern: '^[0-9]{6}-[a-z0-9][a-z0-9-]{0,39}$', description: 'programme id, begins with its municipality code' });
export const account = Type.String({ pattern: '^[a-z]+:[^\\s]{1,100}$', description: 'account id in the programme: holder:<uuid>, merchant:<shop id>, scheme:<name>, fund:<id>, facility:<id>, product:<id>' });
export const holderAccount = Type.String({ pattern: '^holder:[0-9a-f-]{36}$', description: 'account of a holder: holder:<uuid>' });
export const positivePoints = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'whole points' });
export const reference = Type.String({ minLength: 3, maxLength: 200, pattern: '^[a-z]+:[\\x21-\\x7e]+$', description: 'service, colon, id: unique for ever; the idempotency key of the posting' });
export const instant = Type.String({ format: 'date-time', pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$', description: 'UTC with milliseconds' });
export const tag = Type.String({ pattern: '^[a-z]+:[^\\s]{1,100}$', description: 'a place or way of use: shop:<id>, group:<id>, scheme:<name>, facility:<id>, mailorder:<id>, fund:<id>' });
export const cause = Type.Object({
  actor: Type.String({ maxLength: 100, description: 'client or job that asked, never a person’s name' }),
  reason: Type.Optional(Type.String({ maxLength: 200 })),
});
