import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { InfrastructureError } from './infrastructure-error.js';
import { mavenProblem } from './machine.js';

/** True when `fetchKafkaJars` has nothing left to fetch, and Maven is not needed. */
export function hasKafkaJars(directory: string): boolean {
  return existsSync(jarFolder(directory));
}

/**
 * Fetches the jars of the Kafka broker with Maven (54 MB) and keeps them; answers the folder that holds them. The folder is named
 * after the pom: another version of it is fetched beside the old one. It appears by one rename, so that a folder that is there
 * is whole, and two processes that fetch at once do not harm each other: the second to finish throws its own away.
 */
export async function fetchKafkaJars(
  directory: string,
  onProgress: (line: string) => void = () => undefined,
  options: { signal?: AbortSignal; maven?: string } = {},
): Promise<string> {
  const { maven = 'mvn' } = options;
  const folder = jarFolder(directory);
  if (existsSync(folder)) return folder;
  const missing = mavenProblem(maven);
  if (missing) throw new InfrastructureError(missing);

  mkdirSync(directory, { recursive: true });
  const work = join(resolve(directory), `fetching-${randomBytes(6).toString('hex')}`);
  mkdirSync(work);
  try {
    cpSync(pom, join(work, 'pom.xml'));
    onProgress('Kafka: fetching the jars of the broker with Maven (once, about 54 MB)');
    await runMaven(maven, work, onProgress, options.signal);
    try {
      renameSync(join(work, 'jars'), folder);
    } catch (error) {
      if (!existsSync(folder)) throw error;
    }
    onProgress('Kafka: the jars are here and are kept');
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const pom = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
const fetchDeadlineMs = 10 * 60_000;
const jarsPerProgressLine = 20;

function jarFolder(directory: string): string {
  return join(resolve(directory), createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12));
}

function runMaven(command: string, work: string, onProgress: (line: string) => void, signal: AbortSignal | undefined): Promise<void> {
  const maven = spawn(
    command,
    ['-B', '-Dstyle.color=never', 'dependency:copy-dependencies', `-DoutputDirectory=${join(work, 'jars')}`, '-DincludeScope=runtime'],
    {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: fetchDeadlineMs,
      ...(signal && { signal }),
    },
  );
  let jars = 0;
  const errors: string[] = [];
  for (const stream of [maven.stdout, maven.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      if (/Downloaded from .*\.jar /.test(line) && ++jars % jarsPerProgressLine === 0) onProgress(`Kafka: ${jars} jars so far`);
      if (line.startsWith('[ERROR]') && errors.length < 2) errors.push(line.slice('[ERROR]'.length).trim());
    });
  return new Promise((resolve, reject) => {
    maven.once('error', reject);
    maven.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new InfrastructureError(
            `Maven could not fetch the jars of Kafka (${errors.join(' ') || `it ended with ${code}`}): check the network and Maven's settings, or set KAFKA_JARS to a folder of another clone that has them.`,
          ),
        );
    });
  });
}
