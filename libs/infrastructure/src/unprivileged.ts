import { execFileSync } from 'node:child_process';
import { constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { InfrastructureError } from './infrastructure-error.js';

/** How a program is started that refuses to run as root. */
export interface Runner {
  /** Owner of the files that the program writes; undefined when this process is not root and simply runs it. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The command to spawn: the program itself, or what gives it its user. */
  command(program: string, args: readonly string[]): { file: string; args: string[]; uid?: number; gid?: number };
}

/**
 * PostgreSQL refuses to run as root, so root starts it as user `postgres` (or `nobody` where there is none). That user must get
 * through every folder above its program and its data. Where one of them is closed (a clone below /root or below `mktemp -d`,
 * both 0700) the program gets the capability to look into folders and nothing else; setpriv is part of every Linux (util-linux).
 */
export function unprivileged(paths: readonly string[]): Runner {
  if (process.getuid?.() !== 0) return { command: (file, args) => ({ file, args: [...args] }) };
  const owner = idsOf('postgres') ?? idsOf('nobody');
  if (!owner)
    throw new InfrastructureError(
      'PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody: run the command as an ordinary user.',
    );
  const closed = paths.map(closedFolderAbove).find((folder) => folder !== undefined);
  if (closed === undefined) return { owner, command: (file, args) => ({ file, args: [...args], ...owner }) };
  const ids = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
  const capability = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
  try {
    execFileSync('setpriv', [...ids, ...capability, 'true'], { stdio: 'ignore' });
  } catch {
    throw new InfrastructureError(
      `PostgreSQL runs as user postgres here, and that user cannot get through ${closed}: open the folder for passing (chmod o+x ${closed}), use a clone and a CLOUD_HOME in another place, or run the command as an ordinary user.`,
    );
  }
  return { owner, command: (file, args) => ({ file: 'setpriv', args: [...ids, ...capability, file, ...args] }) };
}

/** The first folder on the way to `path`, seen from the root, that others than its owner and group cannot pass. */
export function closedFolderAbove(path: string): string | undefined {
  const folders: string[] = [];
  for (let folder = realPathOf(dirname(path)); ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return folders.find((folder) => (statSync(folder).mode & constants.S_IXOTH) === 0);
}

/** Of the nearest folder that exists: what is made below it later gets the usual rights. */
function realPathOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : realPathOf(dirname(path));
}

function idsOf(user: string): { uid: number; gid: number } | undefined {
  try {
    const [uid, gid] = ['-u', '-g'].map((option) =>
      Number(execFileSync('id', [option, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch {
    return undefined;
  }
}
