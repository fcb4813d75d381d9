// One-shot job of an installation in containers: database, roles and schemas of the services, and the topics. Run again, it changes nothing.
import { ConfigError, readConfig } from '@points/config';
import { topics } from '@points/contracts';
import { createTopics } from '@points/messaging';
import { createLogger } from '@points/observability';
import { IsOptional, Matches, ValidateBy } from 'class-validator';
import { cloud } from './cloud.js';
import { prepareOwnDatabase } from './databases.js';

type Passwords = Record<string, { password: string; ownerPassword: string }>;

class ProvisionConfig {
  @Matches(/^postgres(ql)?:\/\/\S+$/, { message: 'must be a superuser’s URL of the form postgres://role:password@host:port/database' })
  ADMIN_DATABASE_URL!: string;

  /** The passwords that the roles of the services get, by service; usually given as `DATABASE_PASSWORDS_FILE`. */
  @ValidateBy({
    name: 'passwords',
    validator: {
      validate: (text) => readPasswords(String(text)) !== undefined,
      defaultMessage: () => 'must be JSON of the form { "ledger": { "password": "…", "ownerPassword": "…" }, … } with every service',
    },
  })
  DATABASE_PASSWORDS!: string;

  @Matches(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, { message: 'must be host:port, several separated by commas' })
  KAFKA_BROKERS!: string;

  @IsOptional()
  @Matches(/^[a-zA-Z0-9._-]*$/, { message: 'may hold letters, digits, dot, underscore and hyphen' })
  TOPIC_PREFIX = '';
}

const services = cloud.services.map(({ name }) => name);

try {
  await provision(readConfig(ProvisionConfig));
} catch (error) {
  process.stderr.write(`provision: ${error instanceof Error ? error.message : 'failed'}\n`);
  process.exitCode = error instanceof ConfigError ? 78 : 1;
}

async function provision(config: ProvisionConfig): Promise<void> {
  const passwords = readPasswords(config.DATABASE_PASSWORDS) ?? {};
  await prepareOwnDatabase(config.ADMIN_DATABASE_URL, services, new Map(Object.entries(passwords)));
  console.log(`database, roles and schemas are there: ${services.join(', ')}`);
  const options = { prefix: config.TOPIC_PREFIX, log: createLogger('provision', 'warn') };
  const made = await createTopics(config.KAFKA_BROKERS.split(','), topics, options);
  console.log(made.length ? `topics made: ${made.join(', ')}` : 'all topics are there');
}

function readPasswords(text: string): Passwords | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const entries = Object.entries(read as Partial<Passwords>);
  const isWhole = (one: Passwords[string] | undefined) => !!one && isPassword(one.password) && isPassword(one.ownerPassword);
  return services.every((service) => entries.some(([name, one]) => name === service && isWhole(one))) ? (read as Passwords) : undefined;
}

function isPassword(text: unknown): boolean {
  return typeof text === 'string' && text.length > 0;
}
