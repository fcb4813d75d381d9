import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMunicipalityCode } from '@points/kernel';
import { generateTrial } from './generate/generate-trial.js';

/** A folder of this size is some 70 MB. */
const rowsMax = 1_000_000;
const usage = `usage: node tools/replay/dist/generate-trial.js DIR [--seed 1] [--persons 40] [--exchanges 300] [--conversions 150] [--bad 0] [--municipality 141305]`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      persons: { type: 'string', default: '40' },
      exchanges: { type: 'string', default: '300' },
      conversions: { type: 'string', default: '150' },
      bad: { type: 'string', default: '0' },
      municipality: { type: 'string', default: '141305' },
    },
  });
  const [directory, ...more] = positionals;
  if (directory === undefined || more.length) throw new RangeError(usage);
  if (!isMunicipalityCode(values.municipality)) throw new RangeError('--municipality must be six digits, the last a check digit');
  const trial = generateTrial({
    seed: wholeNumber('--seed', values.seed, 0),
    municipality: values.municipality,
    persons: wholeNumber('--persons', values.persons, 1),
    exchanges: wholeNumber('--exchanges', values.exchanges, 1),
    conversions: wholeNumber('--conversions', values.conversions, 0),
    bad: wholeNumber('--bad', values.bad, 0),
  });
  await mkdir(directory, { recursive: true });
  for (const [name, text] of trial) await writeFile(join(directory, name), text);
  console.log(`${directory}: ${[...trial.keys()].join(', ')}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= rowsMax)) throw new RangeError(`${option} must be a whole number from ${least} to ${rowsMax}`);
  return value;
}
