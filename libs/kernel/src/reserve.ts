import { addDays, jstDateOf, type Instant, type LocalDate } from './jst.js';

/** Points that arrive in a reserve (留保) on day D may be given to a municipality through D+14, 23:59:59.999 in Tokyo. */
export const reserveDays = 14;

export function lastChoiceDay(arrivedAt: Instant): LocalDate {
  return addDays(jstDateOf(arrivedAt), reserveDays);
}
