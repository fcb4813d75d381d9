import { isInstant, isLocalDate, isMunicipalityCode, isMyKeyId, isProgrammeId, parseInstant } from '@points/kernel';
import { ValidateBy, type ValidationOptions } from 'class-validator';

/** A field kind of this domain: one check for class-validator, for the compiled validator and for OpenAPI. */
interface FieldKind {
  readonly name: string;
  readonly says: string;
  readonly accepts: (value: unknown) => boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

const text = (check: (value: string) => boolean) => (value: unknown) => typeof value === 'string' && check(value);

export const fieldKinds: readonly FieldKind[] = [
  {
    name: 'isPoints',
    says: 'must be a whole number of points from 1 to 9007199254740991',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
    schema: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  },
  {
    name: 'isInstantText',
    says: 'must be a time with its offset, such as 2018-02-28T09:00:00+09:00',
    accepts: text((value) => isInstant(value) || parses(value)),
    schema: { type: 'string', format: 'instant' },
  },
  {
    name: 'isDay',
    says: 'must be a day of the calendar, such as 2018-02-28',
    accepts: text(isLocalDate),
    schema: { type: 'string', format: 'jst-date' },
  },
  {
    name: 'isMunicipality',
    says: 'must be a six-digit municipality code (全国地方公共団体コード) with the right check digit',
    accepts: text(isMunicipalityCode),
    schema: { type: 'string', format: 'municipality-code' },
  },
  {
    name: 'isProgramme',
    says: 'must be a programme id: municipality code, hyphen, up to 40 of a–z, 0–9 and hyphen',
    accepts: text(isProgrammeId),
    schema: { type: 'string', format: 'programme-id' },
  },
  {
    name: 'isMyKeyId',
    says: 'must be a My Key ID: eight letters or digits',
    accepts: text(isMyKeyId),
    schema: { type: 'string', format: 'my-key-id' },
  },
];

export const IsPoints = decorator('isPoints');
export const IsInstant = decorator('isInstantText');
export const IsDay = decorator('isDay');
export const IsMunicipality = decorator('isMunicipality');
export const IsProgramme = decorator('isProgramme');
export const IsMyKeyId = decorator('isMyKeyId');

export class MunicipalityPath {
  @IsMunicipality()
  municipality!: string;
}

export class ProgrammePath extends MunicipalityPath {
  @IsProgramme()
  programme!: string;
}

function decorator(name: string): (options?: ValidationOptions) => PropertyDecorator {
  const kind = fieldKinds.find((one) => one.name === name);
  if (!kind) throw new Error(`no field kind ${name}`);
  return (options) => ValidateBy({ name, validator: { validate: kind.accepts, defaultMessage: () => `$property ${kind.says}` } }, options);
}

function parses(value: string): boolean {
  try {
    parseInstant(value);
    return true;
  } catch {
    return false;
  }
}
