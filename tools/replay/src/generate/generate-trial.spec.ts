import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTrial } from '../trial/read-trial.js';
import { generateTrial } from './generate-trial.js';
import { referenceModel, tokyoDay } from './reference-model.js';

const size = { municipality: '141305', persons: 12, exchanges: 120, conversions: 80, bad: 10 };

describe('the reference model', () => {
  it('gives the published figures of the Kawasaki trial', async () => {
    const folder = join(import.meta.dirname, '../../../../data/kawasaki-trial');
    const { trial } = await readTrial(folder);
    const model = referenceModel({ validityDays: 100, firstDay: dayOf('2017-11-20'), lastDay: dayOf('2018-11-30') });

    for (const row of trial?.rows ?? [])
      model.book(
        row.kind === 'exchange'
          ? { ...row, person: row.myKeyId, points: row.municipalPoints, ms: Date.parse(row.at) }
          : { ...row, person: row.myKeyId, ms: Date.parse(row.at) },
      );

    const { issued, converted, expired, outstanding } = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as ReturnType<
      typeof model.report
    >;
    expect(model.report()).toEqual({ issued, converted, expired, outstanding });
  });
});

describe('a generated trial', () => {
  it('is the same for the same seed', () => {
    expect([...generateTrial({ ...size, seed: 7 })]).toEqual([...generateTrial({ ...size, seed: 7 })]);
    expect([...generateTrial({ ...size, seed: 7 })]).not.toEqual([...generateTrial({ ...size, seed: 8 })]);
  });

  it.each([1, 2, 3, 4, 5])('can be read, and its malformed lines are among those it announces (seed %d)', async (seed) => {
    const folder = await mkdtemp(join(tmpdir(), 'replay-'));
    try {
      const files = generateTrial({ ...size, seed });
      for (const [name, text] of files) await writeFile(join(folder, name), text);

      const { trial, badRows } = await readTrial(folder);

      const announced = (JSON.parse(files.get('bad-rows.json') ?? '') as { file: string; line: number }[]).map(
        (one) => `${one.file}:${one.line}`,
      );
      expect(announced.length).toBeGreaterThan(0);
      expect(announced).toEqual(expect.arrayContaining(badRows.map((one) => `${one.file}:${one.line}`)));
      expect(trial?.rows.length).toBeGreaterThan(size.exchanges);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

function dayOf(text: string): number {
  return tokyoDay(Date.parse(`${text}T12:00:00+09:00`));
}
