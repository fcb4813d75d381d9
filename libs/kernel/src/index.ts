export { points, isPoints, parsePoints, sumPoints, type Points } from './points.js';
export { ratio, parseRatio, type Ratio } from './ratio.js';
export {
  addDays,
  compareDates,
  daysBetween,
  endOfDayJst,
  isInstant,
  isLocalDate,
  isoWeekday,
  jstDateOf,
  lastUsableInstant,
  parseInstant,
  startOfDayJst,
  timeOfDayJst,
  type Instant,
  type LocalDate,
} from './jst.js';
export { addMonths, expiresAt, expiresAtAfterUse, fiscalYearEnd, type Expiry } from './expiry.js';
export { lastChoiceDay, reserveDays } from './reserve.js';
export { uuidv7, isUuid, randomToken } from './ids.js';
export { assert, unreachable } from './assert.js';
export { refuse, done, type Refusal, type Result } from './result.js';
export {
  isMunicipalityCode,
  isMyKeyId,
  isProgrammeId,
  municipalityCode,
  programmeId,
  tenantOf,
  type MunicipalityCode,
  type ProgrammeId,
} from './codes.js';
