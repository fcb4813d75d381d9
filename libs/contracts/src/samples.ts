import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contract } from './contract.js';

const folder = join(import.meta.dirname, '../samples');

/**
 * The stored samples of an event version: data that was once sent and must parse for ever. One file per version, an array.
 * @throws Error when there is none: a contract without a sample promises nothing.
 */
export function samplesOf(contract: Pick<Contract, 'type'>): readonly unknown[] {
  const file = join(folder, `${contract.type}.json`);
  const samples: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  if (!Array.isArray(samples) || samples.length === 0)
    throw new Error(`${contract.type} has no sample: store one in samples/${contract.type}.json, as an array`);
  return samples;
}

/** The event versions that have samples. */
export function sampledTypes(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
}
