import type { Logger } from '@points/observability';
import type { Pool, PoolClient, PoolConfig, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import pg from 'pg';
import { DataSource, type EntityManager, type EntitySchema, type QueryRunner } from 'typeorm';
import { isTransient } from './errors.js';
import type { Tenancy } from './tenancy.js';

export type { Tenancy } from './tenancy.js';

/** A named statement is prepared once per connection; text must be constant for its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A transaction. Functions that touch the database take it first; who makes one is an edge. */
export interface Tx {
  query<Row extends QueryResultRow = QueryResultRow>(statement: string | Statement, values?: readonly unknown[]): Promise<Row[]>;
  /** Like `query`, and answers the number of rows that were written. */
  write(statement: string | Statement, values?: readonly unknown[]): Promise<number>;
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
      connectionTimeoutMillis: connectTimeoutMs,
      options: `-c search_path=${options.schema} -c idle_in_transaction_session_timeout=60000`,
    };
  }

  /** A pool of its own whose clients send statements without waiting for the answer of the one before (pg `pipeline`). */
  pipelined(max: number): Pool {
    const pool = new pg.Pool({
      connectionString: this.options.url,
      application_name: `${this.options.applicationName}-pipeline`,
      max,
      ...Database.settings(this.options),
      pipeline: true,
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
    const actions: (() => void)[] = [];
    let result: T;
    try {
      const client = (await runner.connect()) as PoolClient;
      await runner.startTransaction();
      try {
        await client.query({ name: 'set_tenant', text: `select set_config('app.tenant', $1, true)`, values: [tenancy.setting] });
        result = await work(new OpenTx(client, runner, actions));
        await runner.commitTransaction();
      } catch (error) {
        if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
        throw error;
      }
    } finally {
      await runner.release();
    }
    for (const action of actions) action();
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
  constructor(
    private readonly client: PoolClient,
    private readonly runner: QueryRunner,
    private readonly actions: (() => void)[],
  ) {}

  get entities(): EntityManager {
    return this.runner.manager;
  }

  async query<Row extends QueryResultRow>(statement: string | Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.run<Row>(statement, values)).rows;
  }

  async write(statement: string | Statement, values: readonly unknown[] = []): Promise<number> {
    return (await this.run(statement, values)).rowCount ?? 0;
  }

  afterCommit(action: () => void): void {
    this.actions.push(action);
  }

  private run<Row extends QueryResultRow>(statement: string | Statement, values: readonly unknown[]): Promise<QueryResult<Row>> {
    const config: QueryConfig =
      typeof statement === 'string' ? { text: statement, values: [...values] } : { ...statement, values: [...values] };
    return this.client.query<Row>(config);
  }
}
