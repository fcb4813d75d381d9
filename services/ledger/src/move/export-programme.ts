import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { ProgrammeId } from '@points/kernel';
import type { ClientBase } from 'pg';
import { readBooks } from './read-books.js';

/** Writes all books of a programme, as they stand at one moment, into a file. The file is there when it is whole. Answers its lines. */
export async function exportProgramme(client: ClientBase, programme: ProgrammeId, path: string): Promise<number> {
  const unfinished = `${path}.unfinished`;
  const file = createWriteStream(unfinished, { flags: 'w', mode: 0o600 });
  let lines = 0;
  await client.query(`select set_config('app.tenant', $1, false), set_config('timezone', 'UTC', false)`, [programme.slice(0, 6)]);
  await client.query('begin isolation level repeatable read read only');
  try {
    let part = '';
    for await (const line of readBooks(client, programme)) {
      part += `${JSON.stringify(line)}\n`;
      lines++;
      if (part.length < partChars) continue;
      if (!file.write(part)) await once(file, 'drain');
      part = '';
    }
    file.end(part);
    await finished(file);
    await rename(unfinished, path);
    return lines;
  } catch (error) {
    file.destroy();
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

const partChars = 262_144;
