import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { endLeftoverKafka, endLeftoverPostgres, endRecordedProcess } from '@points/infrastructure';

/** A run's folder of temporary files; in it, one for each test that starts something; in that, one for each part of a cloud. */
const levelsMax = 3;

/**
 * Ends the processes that tests have recorded below this folder and that are still there: an interrupted test cannot end them itself, and
 * they are in process groups of their own, so that no signal to the test reaches them. Services first, then the servers they use. Answers
 * how many were found.
 */
export async function endLeftovers(folder: string): Promise<number> {
  const folders = foldersBelow(folder, levelsMax);
  const services = await count(recordsOf(folders).map((record) => endRecordedProcess(record)));
  const servers = await count(folders.flatMap((one) => [endLeftoverKafka(one), endLeftoverPostgres(one)]));
  return services + servers;
}

function foldersBelow(folder: string, levels: number): string[] {
  if (levels === 0) return [];
  const found = readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [join(folder, one.name)] : []));
  return [...found, ...found.flatMap((one) => foldersBelow(one, levels - 1))];
}

function recordsOf(folders: readonly string[]): string[] {
  return folders
    .filter((one) => one.endsWith('/run'))
    .flatMap((run) => readdirSync(run).flatMap((name) => (name.endsWith('.json') ? [join(run, name)] : [])));
}

async function count(ended: readonly Promise<boolean>[]): Promise<number> {
  return (await Promise.all(ended)).filter(Boolean).length;
}
