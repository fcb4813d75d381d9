import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';

const nodeMajorMin = 24;
const javaMajorMin = 17;

/** What is missing on this machine, one sentence each with the way out; empty when nothing is. */
export function checkMachine(needs: { node?: boolean; java?: boolean; maven?: boolean; writable?: readonly string[] }): string[] {
  return [
    needs.node ? nodeProblem(process.versions.node) : undefined,
    needs.java ? javaProblem() : undefined,
    needs.maven ? mavenProblem() : undefined,
    ...(needs.writable ?? []).map(folderProblem),
  ].filter((problem) => problem !== undefined);
}

/** `java` of JAVA_HOME when that is set, else the one on the PATH. */
export function javaCommand(): string {
  return process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java';
}

export function nodeProblem(version: string): string | undefined {
  if (Number(version.split('.')[0]) >= nodeMajorMin) return undefined;
  return `Node ${version} is too old: Node ${nodeMajorMin} is needed. On Linux x64 \`npm ci\` brings it and \`npm start\` uses it; elsewhere install Node ${nodeMajorMin} LTS.`;
}

export function javaProblem(readVersion: () => string = javaVersionText): string | undefined {
  const wayOut = `install a Java runtime ${javaMajorMin} or newer (Debian: apt-get install openjdk-17-jre-headless), or point KAFKA_BROKERS at a Kafka that runs elsewhere.`;
  let text: string;
  try {
    text = readVersion();
  } catch {
    return `Java was not found, and the Kafka broker needs it: ${wayOut}`;
  }
  // `openjdk version "17.0.15"`; up to Java 8 it was "1.8.0_292".
  const major = /version "(?:1\.)?(\d+)/.exec(text)?.[1];
  if (major === undefined) return `The command \`${javaCommand()} -version\` says nothing that names a version: ${wayOut}`;
  return Number(major) >= javaMajorMin ? undefined : `Java ${major} is too old for the Kafka broker: ${wayOut}`;
}

export function mavenProblem(command = 'mvn'): string | undefined {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Maven was not found, and the jars of Kafka are fetched with it once: install it (Debian: apt-get install maven), or set KAFKA_JARS to a folder that holds them already, or point KAFKA_BROKERS at a Kafka that runs elsewhere.';
  }
}

/** Makes the folder if need be. */
export function folderProblem(folder: string): string | undefined {
  try {
    makeFolder(resolve(folder));
    accessSync(folder, constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory() ? undefined : `${folder} is not a folder: remove it, or set CLOUD_HOME to another place.`;
  } catch (error) {
    return `The folder ${folder} cannot be written (${(error as NodeJS.ErrnoException).code}): give yourself the right to it, or set CLOUD_HOME to another place.`;
  }
}

/** One level after the other: Node's own `recursive` never ends where a file system refuses new folders with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}

function javaVersionText(): string {
  const { error, stdout, stderr } = spawnSync(javaCommand(), ['-version'], { encoding: 'utf8' });
  if (error) throw error;
  // Java writes its version to standard error.
  return stderr + stdout;
}
