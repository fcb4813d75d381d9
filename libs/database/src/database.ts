import type { Logger } from '@points/observability';
import type { Pool, PoolClient, PoolConfig, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import pg, { escapeLiteral } from 'pg';
import { DataSource, type EntityManager, type EntitySchema, type QueryRunner } from 'typeorm';
import { isTransient } from './errors.js';
import { inOnePacket, settled } from './in-one-packet.js';
import type { Tenancy } from './tenancy.js';

export type { Tenancy } from './tenancy.js';

/** A named statement is prepared once per connection; text must be constant for its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/**
 * A transaction. Functions that touch the database take it first; who makes one is an edge. Statements are carried out in the order in
 * which they are sent, and leave at once: those that do not need each other's answers share a round trip (`Promise.all`).
 */
export interface Tx {
  query<Row extends QueryResultRow = QueryResultRow>(statement: string | Statement, values?: readonly unknown[]): Promise<Row[]>;
  /** Like `query`, and answers the number of rows that were written. */
  write(statement: string | Statement, values?: readonly unknown[]): Promise<number>;
  /**
   * Writes last of all: leaves together with the commit, so that both are one round trip. Nobody waits for what it answers; where it fails,
   * the transaction fails. `then` hears after the commit how many rows were written, and must not throw.
   */
  writeAtCommit(statement: string | Statement, values?: readonly unknown[], then?: (rows: number) => void): void;
  /** TypeORM on the same connection and in the same transaction, for tables with few rows. */
  readonly entities: EntityManager;
  /** Runs once the commit is durable, never after a rollback: a nudge, a wake-up. Must not throw. */
  afterCommit(action: () => void): void;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly schema: string;
  readonly applicationName: string;
  readonly log: Logger;
  readonly entities?: readonly (EntitySchema | (new () => object))[];
  /** Connections of the pool. One PostgreSQL backend each: five services share one server by default. */
  readonly poolMax?: number;
}

const transactionAttemptsMax = 5;
const connectTimeoutMs = 10_000;

/** The only place that opens connections. */
export class Database {
  private constructor(
    readonly source: DataSource,
    readonly pool: Pool,
    private readonly options: DatabaseOptions,
  ) {}

  static async open(options: DatabaseOptions): Promise<Database> {
    const source = new DataSource({
      type: 'postgres',
      url: options.url,
      schema: options.schema,
      entities: [...(options.entities ?? [])],
      synchronize: false,
      installExtensions: false,
      poolSize: options.poolMax ?? 10,
      applicationName: options.applicationName,
      extra: Database.settings(options),
      poolErrorHandler: (error: Error) => connectionLost(options.log, error),
    });
    await source.initialize();
    // TypeORM keeps pg's pool here; plain SQL and entities share its connections.
    const pool = (source.driver as unknown as { master: Pool }).master;
    return new Database(source, pool, options);
  }

  private static settings(options: DatabaseOptions): Partial<PoolConfig> {
    return {
      pipeline: true,
      connectionTimeoutMillis: connectTimeoutMs,
      options: `-c search_path=${options.schema} -c idle_in_transaction_session_timeout=60000`,
    };
  }

  /** A pool of its own, for a hot path that wants its connections for itself. As everywhere, statements do not wait for the answer of the one before. */
  pipelined(max: number): Pool {
    const pool = new pg.Pool({
      connectionString: this.options.url,
      application_name: `${this.options.applicationName}-pipeline`,
      max,
      ...Database.settings(this.options),
    });
    pool.on('error', (error) => connectionLost(this.options.log, error));
    return pool;
  }

  /** A connection outside the pool for advisory locks and `listen`, which live as long as a session. The caller ends it. */
  async session(name: string): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.options.url,
      application_name: `${this.options.applicationName}-${name}`,
      options: `-c search_path=${this.options.schema}`,
      connectionTimeoutMillis: connectTimeoutMs,
    });
    await client.connect();
    return client;
  }

  /**
   * Runs `work` in one transaction under the tenancy given. A deadlock or a lost connection is tried again, a bounded number of
   * times with jitter; `work` must therefore have no effect but through `tx`.
   */
  async transaction<T>(tenancy: Tenancy, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(tenancy, work);
      } catch (error) {
        if (!isTransient(error) || attempt >= transactionAttemptsMax) throw error;
        this.options.log.warn({ err: error, attempt }, 'transaction tried again');
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
      }
    }
  }

  private async once<T>(tenancy: Tenancy, work: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = this.source.createQueryRunner();
    let tx: OpenTx;
    let result: T;
    try {
      const client = (await runner.connect()) as PoolClient;
      tx = new OpenTx(client, runner);
      try {
        result = await tx.run(tenancy, work);
      } catch (error) {
        await tx.rollback();
        throw error;
      }
    } finally {
      await runner.release();
    }
    tx.tellCommitted();
    return result;
  }

  async isReachable(): Promise<boolean> {
    try {
      await this.pool.query('select 1');
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }
}

/** pg hangs the whole client on this error, with its settings and statements: only the reason may reach the log. */
function connectionLost(log: Logger, error: Error): void {
  log.warn({ code: 'code' in error ? error.code : undefined, reason: error.message }, 'idle database connection lost');
}

class OpenTx implements Tx {
  private readonly actions: (() => void)[] = [];
  private readonly last: { readonly config: QueryConfig; readonly then: ((rows: number) => void) | undefined }[] = [];
  private isOver = false;

  constructor(
    private readonly client: PoolClient,
    private readonly runner: QueryRunner,
  ) {}

  /**
   * The begin leaves together with the first statements of `work`, the last ones together with the commit: a transaction that reads and
   * writes takes two round trips.
   */
  async run<T>(tenancy: Tenancy, work: (tx: Tx) => Promise<T>): Promise<T> {
    const { client } = this;
    const begin = `begin; set local app.tenant = ${escapeLiteral(tenancy.setting)}`;
    const [, result] = await settled(inOnePacket(client, () => [client.query(begin), begun(() => work(this))] as const));
    this.isOver = true;
    const written = await settled(
      inOnePacket(client, () => [...this.last.map(({ config }) => client.query(config)), client.query('commit')]),
    );
    this.last.forEach(({ then }, index) => {
      if (then) this.actions.push(() => then(written[index]?.rowCount ?? 0));
    });
    return result;
  }

  /** Answered after everything that was sent before it. */
  async rollback(): Promise<void> {
    this.isOver = true;
    await this.client.query('rollback').catch(() => undefined);
  }

  tellCommitted(): void {
    for (const action of this.actions) action();
  }

  get entities(): EntityManager {
    // It is in a transaction, though not of its own making: what TypeORM would begin by itself becomes a savepoint.
    Object.assign(this.runner, { isTransactionActive: true, transactionDepth: 1 });
    return this.runner.manager;
  }

  async query<Row extends QueryResultRow>(statement: string | Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.send<Row>(statement, values)).rows;
  }

  async write(statement: string | Statement, values: readonly unknown[] = []): Promise<number> {
    return (await this.send(statement, values)).rowCount ?? 0;
  }

  writeAtCommit(statement: string | Statement, values: readonly unknown[] = [], then?: (rows: number) => void): void {
    this.last.push({ config: configOf(statement, values), then });
  }

  afterCommit(action: () => void): void {
    this.actions.push(action);
  }

  private async send<Row extends QueryResultRow>(statement: string | Statement, values: readonly unknown[]): Promise<QueryResult<Row>> {
    // It would be carried out, and for good.
    if (this.isOver) throw new Error('assertion failed: a statement came after its transaction was over');
    return this.client.query<Row>(configOf(statement, values));
  }
}

function configOf(statement: string | Statement, values: readonly unknown[]): QueryConfig {
  return typeof statement === 'string' ? { text: statement, values: [...values] } : { ...statement, values: [...values] };
}

/** Begins at once, as a call does; what it throws is a rejection as any other. */
async function begun<T>(work: () => Promise<T>): Promise<T> {
  return work();
}
