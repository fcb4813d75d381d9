import { compareDates, isLocalDate, isMunicipalityCode, isProgrammeId, type MunicipalityCode, type ProgrammeId } from '@points/kernel';
import { cut, type BadRow } from './bad-row.js';
import type { JsonDocument } from './json-document.js';
import type { TrialProgramme } from './trial.js';

const file = 'programme.json';

/** `programmeId` given by the caller wins over the file's, and the file's over `<code>-trial`. */
export function parseProgramme(
  { value, lineOf }: JsonDocument,
  programmeId?: string,
): { readonly programme: TrialProgramme } | { readonly badRows: readonly BadRow[] } {
  const badRows: BadRow[] = [];
  const wrong = (field: string, reason: string) => {
    badRows.push({
      file,
      line: lineOf(field),
      field,
      reason: value[field] === undefined ? 'is missing' : `${cut(JSON.stringify(value[field]))} ${reason}`,
    });
  };

  const { municipality_code: code, name, period, validity_days: days, conversion_scheme: scheme } = value;
  if (typeof code !== 'string' || !isMunicipalityCode(code))
    wrong('municipality_code', 'must be the six digits of a municipality code (全国地方公共団体コード), as text, the last a check digit');
  if (typeof name !== 'string' || name.trim() === '' || name.length > nameCharsMax)
    wrong('name', `must be a text of 1 to ${nameCharsMax} characters`);
  const [firstDay, lastDay, ...more]: unknown[] = Array.isArray(period) ? (period as unknown[]) : [];
  const areDays =
    typeof firstDay === 'string' && typeof lastDay === 'string' && isLocalDate(firstDay) && isLocalDate(lastDay) && more.length === 0;
  if (!areDays || compareDates(firstDay, lastDay) > 0)
    wrong('period', 'must be the first and the last day, such as ["2017-11-20", "2018-11-30"]');
  if (typeof days !== 'number' || !Number.isSafeInteger(days) || days < 0 || days > validityDaysMax)
    wrong('validity_days', `must be a whole number of days from 0 to ${validityDaysMax}`);
  if (typeof scheme !== 'string' || !/^[^\s\p{Cc}/]{1,60}$/u.test(scheme))
    wrong('conversion_scheme', 'must name the card scheme with 1 to 60 characters, without spaces and slashes');
  const id = programmeId ?? value['programme_id'] ?? `${String(code)}-trial`;
  if (badRows.length === 0 && (typeof id !== 'string' || !isProgrammeId(id) || !id.startsWith(`${String(code)}-`)))
    badRows.push({
      file,
      line: lineOf('programme_id'),
      field: 'programme_id',
      reason: `${cut(JSON.stringify(id))} must be ${String(code)}-, followed by up to 40 of a–z, 0–9 and hyphen`,
    });
  if (badRows.length) return { badRows };

  // Every field was checked above; a wrong one has left its bad row.
  const checked = {
    municipality: code as MunicipalityCode,
    id: id as ProgrammeId,
    name: name as string,
    validityDays: days as number,
    scheme: scheme as string,
  };
  return { programme: { ...checked, firstDay: firstDay as TrialProgramme['firstDay'], lastDay: lastDay as TrialProgramme['lastDay'] } };
}

const nameCharsMax = 100;
/** A hundred years. */
const validityDaysMax = 36_525;
