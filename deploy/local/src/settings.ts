import { join, resolve } from 'node:path';

export interface Settings {
  /** Folder of the project: what commands and data paths are relative to. */
  readonly root: string;
  readonly home: string;
  readonly portBase: number;
  readonly kafkaJars: string;
  /** Given: no Kafka is started. */
  readonly kafkaBrokers: string | undefined;
  /** URLs by service. Where one is missing the cloud's own PostgreSQL is used. */
  readonly databases: ReadonlyMap<string, ExternalDatabase>;
  readonly logLevel: string;
  /** The rest of the environment, for the services: PATH, proxies, the collector of traces. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface ExternalDatabase {
  readonly url: string;
  readonly migrationUrl: string;
}

/** The offsets reach to 93, and the last port is 65535. */
const portBaseMax = 65_400;

/** The one place that reads the supervisor's environment. @throws Error with one sentence per wrong key */
export function readSettings(environment: NodeJS.ProcessEnv, root: string, services: readonly string[]): Settings {
  const problems: string[] = [];
  const portBase = Number(environment['CLOUD_PORT_BASE'] || 7100);
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > portBaseMax)
    problems.push(`CLOUD_PORT_BASE must be a whole number from 1024 to ${portBaseMax}.`);
  const kafkaBrokers = environment['KAFKA_BROKERS'] || undefined;
  if (kafkaBrokers && !/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/.test(kafkaBrokers))
    problems.push('KAFKA_BROKERS must be host:port, several separated by commas.');
  const databases = new Map<string, ExternalDatabase>();
  for (const service of services) {
    const key = `${service.toUpperCase()}_DATABASE_URL`;
    const migrationKey = `${service.toUpperCase()}_MIGRATION_DATABASE_URL`;
    const url = environment[key];
    if (!url && environment[migrationKey]) problems.push(`${migrationKey} is given without ${key}: give both, or ${key} alone.`);
    if (!url) continue;
    const migrationUrl = environment[migrationKey] || url;
    for (const [name, text] of [
      [key, url],
      [migrationKey, migrationUrl],
    ] as const)
      if (!/^postgres(ql)?:\/\/[^\s/]+\/\S+$/.test(text))
        problems.push(`${name} must be a URL of the form postgres://role:password@host:port/database.`);
    databases.set(service, { url, migrationUrl });
  }
  if (problems.length) throw new Error(problems.join('\n'));
  const home = resolve(root, environment['CLOUD_HOME'] || '.local');
  return {
    root,
    home,
    portBase,
    kafkaJars: resolve(root, environment['KAFKA_JARS'] || join(home, 'kafka-jars')),
    kafkaBrokers,
    databases,
    logLevel: environment['LOG_LEVEL'] || 'info',
    environment,
  };
}
