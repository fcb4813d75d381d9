import { readFile } from 'node:fs/promises';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { readJson } from '../trial/json-document.js';
import { MunicipalityFile } from './municipality-file.js';

/** A file that does not have the shape. One line per field. */
export class MunicipalityFileError extends Error {
  constructor(file: string, problems: readonly string[]) {
    super(problems.map((problem) => `${file}: ${problem}`).join('\n'));
  }
}

/** @throws MunicipalityFileError that names file, field and reason */
export async function readMunicipality(file: string): Promise<MunicipalityFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new MunicipalityFileError(file, [`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`]);
  }
  const read = readJson(bytes);
  if ('reason' in read) throw new MunicipalityFileError(file, [`line ${read.line} ${read.reason}`]);
  return parseMunicipality(file, read.document.value);
}

export function parseMunicipality(file: string, value: unknown): MunicipalityFile {
  const parsed = plainToInstance(MunicipalityFile, value, { exposeUnsetFields: false });
  const errors = validateSync(parsed, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  const problems = errors.flatMap((error) => describe(error, ''));
  if (problems.length === 0) problems.push(...contradictions(parsed));
  if (problems.length) throw new MunicipalityFileError(file, problems.slice(0, problemsMax));
  return parsed;
}

const problemsMax = 20;

function describe({ property, constraints = {}, children = [] }: ValidationError, path: string): string[] {
  const field = /^\d+$/.test(property) ? `${path}[${property}]` : path ? `${path}.${property}` : property;
  const own = 'whitelistValidation' in constraints ? ['is not a known field'] : [...new Set(Object.values(constraints))].slice(0, 1);
  return [...own.map((reason) => `${field} ${reason}`), ...children.flatMap((child) => describe(child, field))];
}

/** What a field alone cannot show: that it fits the rest of the file. */
function contradictions(file: MunicipalityFile): string[] {
  const { code } = file.municipality;
  const programmes = new Set(file.programmes.map((one) => one.id));
  const facilities = new Set(file.facilities?.map((one) => one.id));
  const foreign = [...programmes].filter((id) => !id.startsWith(`${code}-`)).map((id) => `programmes: ${id} must begin with ${code}-`);
  const shops = [...(file.shops ?? []), ...(file.groups ?? []).flatMap((group) => group.shops)];
  const named: [string, string][] = [
    ...(['partners', 'schemes', 'funds', 'activities'] as const).flatMap((list) =>
      (file[list] ?? []).map((one): [string, string] => [`${list}: ${one.id}`, one.programme]),
    ),
    ...(file.products ?? []).flatMap((one) => one.prices.map((price): [string, string] => [`products: ${one.id}`, price.programme])),
    ...shops.flatMap((one) => one.programmes.map((programme): [string, string] => [`shops: ${one.id}`, programme])),
  ];
  const unknown = named
    .filter(([, programme]) => !programmes.has(programme))
    .map(([where, programme]) => `${where} names the programme ${programme}, which this file does not have`);
  const elsewhere = (file.products ?? []).flatMap((one) =>
    one.facility !== undefined && !facilities.has(one.facility)
      ? [`products: ${one.id} names the facility ${one.facility}, which this file does not have`]
      : [],
  );
  const doubles = [
    ...doubled(
      'programmes',
      file.programmes.map((one) => one.id),
    ),
    ...doubled(
      'partners',
      (file.partners ?? []).map((one) => `${one.programme} ${one.id}`),
    ),
    ...doubled(
      'schemes',
      (file.schemes ?? []).map((one) => `${one.programme} ${one.id}`),
    ),
    ...doubled(
      'groups',
      (file.groups ?? []).map((one) => one.id),
    ),
    ...doubled(
      'shops',
      shops.map((one) => one.id),
    ),
    ...(['facilities', 'products', 'funds', 'activities'] as const).flatMap((list) =>
      doubled(
        list,
        (file[list] ?? []).map((one) => one.id),
      ),
    ),
  ];
  return [...foreign, ...unknown, ...elsewhere, ...doubles];
}

function doubled(list: string, ids: readonly string[]): string[] {
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))].map((id) => `${list}: ${id} stands there twice`);
}
