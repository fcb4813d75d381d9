import 'reflect-metadata';
import { Module, type DynamicModule, type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { TokenChecker } from '@points/auth';
import { ConfigError, readConfig } from '@points/config';
import type { Contract } from '@points/contracts';
import { Database, migrate, everyTenant, type DatabaseOptions, type Migration } from '@points/database';
import {
  fastifyOptions,
  HttpModule,
  openApiOf,
  pruneRequests,
  requestPruneRowsMax,
  routesOf,
  tuneFastify,
  type WebhookInfo,
} from '@points/http';
import { deadLetterCommand, inboxPruneRowsMax, Messaging, pruneInbox } from '@points/messaging';
import { createLogger, metrics, startTracing, type Logger, type Metrics } from '@points/observability';
import type { JWTVerifyGetKey } from 'jose';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { DatabaseConfig, ServiceConfig } from './service-config.js';
import { LOGGER, METRICS } from './tokens.js';

/** What makes one service different from the others. */
export interface ServiceDefinition<C extends ServiceConfig = ServiceConfig> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly module: Type | DynamicModule;
  readonly config: new () => C;
  readonly migrations: readonly Migration[];
  /** The contracts this service listens to. */
  readonly reads: readonly Contract[];
  readonly entities?: DatabaseOptions['entities'];
  /** What it sends to others by HTTP, for the API documentation. */
  readonly webhooks?: readonly WebhookInfo[];
  /** Before the first route is registered: an own Fastify handler, a body parser. */
  readonly prepare?: (app: NestFastifyApplication, config: C) => Promise<void> | void;
}

export interface RunningService {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly database: Database;
  readonly messaging: Messaging;
  readonly log: Logger;
  stop(): Promise<void>;
}

export interface ServiceParts {
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
  /** Instead of the published keys of the issuer. */
  readonly keys?: JWTVerifyGetKey;
  readonly processMetrics?: boolean;
}

const stopMsMax = 5_000;
const pruneEveryMs = 600_000;
/** Between two batches, so that requests go first. */
const prunePauseMs = 100;

/** The whole of a service's main.ts: reads the environment, serves until TERM or INT, and ends the process. */
export async function runService<C extends ServiceConfig>(definition: ServiceDefinition<C>): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  if (command === 'dead-letters') process.exit(await runDeadLetters(definition.name, rest));
  const config = configOrExit(definition.name, definition.config);
  const stopTracing = startTracing(definition.name, config.OTEL_EXPORTER_OTLP_ENDPOINT);
  const log = createLogger(definition.name, config.LOG_LEVEL);
  const end = (code: number) => {
    setTimeout(() => process.exit(code), stopMsMax).unref();
  };
  try {
    const running = await startService(definition, config, {
      log,
      onFatal: (error) => {
        log.fatal({ err: error }, 'the consumer is gone for good');
        end(1);
        void running.stop().finally(() => process.exit(1));
      },
    });
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        if (stopping) return;
        stopping = true;
        end(0);
        void running
          .stop()
          .then(stopTracing)
          .finally(() => process.exit(0));
      });
  } catch (error) {
    log.fatal({ err: error }, 'the service could not start');
    process.exit(1);
  }
}

function configOrExit<C extends object>(service: string, shape: new () => C): C {
  try {
    return readConfig(shape);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${service}: ${error.message}\n`);
    process.exit(78); // EX_CONFIG of sysexits.h: a supervisor sees that another try will not help.
  }
}

/** `main.js dead-letters list|replay|discard …`: the operator's hand on what the service has parked. Needs DATABASE_URL alone. */
async function runDeadLetters(service: string, argv: readonly string[]): Promise<number> {
  const { DATABASE_URL: url } = configOrExit(service, DatabaseConfig);
  const database = await Database.open({
    url,
    schema: service,
    applicationName: `${service}-dead-letters`,
    log: createLogger(service, 'warn'),
    poolMax: 1,
  });
  try {
    return await deadLetterCommand(argv, { service, database });
  } finally {
    await database.close();
  }
}

/** Starts one service in this process. Tests call it with parts of their own. */
export async function startService<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  config: C,
  parts: ServiceParts,
): Promise<RunningService> {
  const { name } = definition;
  const { log } = parts;
  if (config.MIGRATION_DATABASE_URL) {
    const ran = await migrate({
      url: config.MIGRATION_DATABASE_URL,
      schema: name,
      appRole: new URL(config.DATABASE_URL).username || name,
      migrations: definition.migrations,
    });
    if (ran.length) log.info({ migrations: ran }, 'schema brought up to date');
  }
  const database = await Database.open({
    url: config.DATABASE_URL,
    schema: name,
    applicationName: name,
    log,
    poolMax: config.DATABASE_POOL_MAX,
    ...(definition.entities && { entities: definition.entities }),
  });
  const opened: (() => Promise<void>)[] = [() => database.close()];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    return await serve(definition, config, parts, database, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function serve<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  config: C,
  parts: ServiceParts,
  database: Database,
  opened: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<RunningService> {
  const { name } = definition;
  const { log } = parts;
  const measured = metrics(name, { process: parts.processMetrics ?? true });
  const messaging = new Messaging({
    service: name,
    brokers: config.KAFKA_BROKERS.split(','),
    database,
    log,
    registry: measured.registry,
    contracts: definition.reads,
    topicPrefix: config.TOPIC_PREFIX,
    onFatal: parts.onFatal,
  });
  opened.push(() => messaging.stop());
  const tokens = new TokenChecker({ issuer: config.TOKEN_ISSUER, jwksUrl: config.TOKEN_JWKS_URL, ...(parts.keys && { keys: parts.keys }) });
  const frame = frameModule(definition.module, { config, shape: definition.config, database, messaging, tokens, log, measured });

  const app = await NestFactory.create<NestFastifyApplication>(frame, new FastifyAdapter(fastifyOptions), {
    logger: nestLogger(log),
    abortOnError: false,
    bufferLogs: false,
  });
  opened.push(() => app.close());
  const server = app.getHttpAdapter().getInstance();
  tuneFastify(server, measured);
  await definition.prepare?.(app, config);
  routesOf(app); // A route without @Operation must stop the start, not the first caller.
  const document = openApiOf(app, {
    service: name,
    title: definition.title,
    description: definition.description,
    version: '1',
    tokenUrl: `${config.TOKEN_ISSUER}/token`,
    ...(definition.webhooks && { webhooks: definition.webhooks }),
  });
  SwaggerModule.setup('docs', app, document as unknown as OpenAPIObject, { jsonDocumentUrl: 'openapi.json', raw: ['json'] });

  app.connectMicroservice({ strategy: messaging.strategy }, { inheritAppConfig: false });
  await app.startAllMicroservices();
  messaging.start();
  await app.listen(config.PORT, config.HOST);
  const pruning = setInterval(
    () => void pruneAll(database).catch((error: unknown) => log.warn({ err: error }, 'pruning failed')),
    pruneEveryMs,
  );
  opened.push(() => {
    clearInterval(pruning);
    return Promise.resolve();
  });
  const url = await app.getUrl();
  log.info({ url }, 'service ready');

  return {
    app,
    url,
    database,
    messaging,
    log,
    stop: async () => {
      await closeAll();
      log.info('service stopped');
    },
  };
}

interface FrameParts<C> {
  readonly config: C;
  readonly shape: new () => C;
  readonly database: Database;
  readonly messaging: Messaging;
  readonly tokens: TokenChecker;
  readonly log: Logger;
  readonly measured: Metrics;
}

function frameModule<C extends ServiceConfig>(module: Type | DynamicModule, parts: FrameParts<C>): DynamicModule {
  const shared = [
    { provide: parts.shape, useValue: parts.config },
    { provide: ServiceConfig, useValue: parts.config },
    { provide: Database, useValue: parts.database },
    { provide: Messaging, useValue: parts.messaging },
    { provide: LOGGER, useValue: parts.log },
    { provide: METRICS, useValue: parts.measured },
  ].filter((provider, index, all) => all.findIndex((other) => other.provide === provider.provide) === index);

  @Module({})
  class Parts {}
  @Module({})
  class Frame {}

  return {
    module: Frame,
    imports: [
      { module: Parts, global: true, providers: shared, exports: shared.map((one) => one.provide) },
      HttpModule.with({ tokens: parts.tokens, log: parts.log }),
      module,
    ],
    controllers: [HealthController, MetricsController],
  };
}

/** Tables that would grow for ever, in batches with a pause between them, until nothing old is left. */
async function pruneAll(database: Database): Promise<void> {
  for (const [prune, rowsMax] of [
    [pruneRequests, requestPruneRowsMax],
    [pruneInbox, inboxPruneRowsMax],
  ] as const)
    while ((await database.transaction(everyTenant, prune)) === rowsMax) await new Promise((resolve) => setTimeout(resolve, prunePauseMs));
}

/** Nest tells its start in many lines; only warnings and errors are facts for the operator. */
function nestLogger(log: Logger): LoggerService {
  const text = (message: unknown) =>
    message instanceof Error ? message.message : typeof message === 'string' ? message : JSON.stringify(message);
  return {
    log: () => undefined,
    debug: () => undefined,
    verbose: () => undefined,
    warn: (message: unknown) => log.warn(text(message)),
    error: (message: unknown, ...rest: unknown[]) => log.error({ detail: rest.map(text).join(' ').slice(0, 4_000) }, text(message)),
    fatal: (message: unknown) => log.fatal(text(message)),
  };
}
