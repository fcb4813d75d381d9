import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

/** One step forward, as SQL text. `name` ends with 13 digits (milliseconds of its day), which is the order TypeORM runs it in. */
export interface Migration {
  readonly name: string;
  readonly up: string;
}

/**
 * Brings the schema up to date under an advisory lock, so that replicas starting together do not race. Each step runs in a
 * transaction of its own. The role of `url` owns what is made; `appRole` is the role the service runs as (which may be the same).
 */
export async function migrate(options: {
  url: string;
  schema: string;
  appRole: string;
  migrations: readonly Migration[];
}): Promise<string[]> {
  const { schema, appRole } = options;
  if (!/^[a-z_]+$/.test(schema) || !/^[a-z_][a-z0-9_]*$/.test(appRole)) throw new Error('schema and role are made of a–z, 0–9 and _');
  const source = new DataSource({
    type: 'postgres',
    url: options.url,
    schema,
    migrations: options.migrations.map(toClass),
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    extra: { max: 2, options: `-c search_path=${schema}` },
  });
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    await lock.query(`select pg_advisory_lock(hashtext($1))`, [`migrate:${schema}`]);
    const ran = await source.runMigrations();
    const [{ owner }] = (await lock.query('select current_user as owner')) as [{ owner: string }];
    if (owner !== appRole) {
      await lock.query(`grant usage on schema ${schema} to ${appRole}`);
      await lock.query(`grant select on table ${schema}.migration to ${appRole}`);
    }
    return ran.map((migration) => migration.name);
  } finally {
    await lock.query(`select pg_advisory_unlock(hashtext($1))`, [`migrate:${schema}`]).catch(() => undefined);
    await lock.release();
    await source.destroy();
  }

  function toClass(migration: Migration): new () => MigrationInterface {
    return class implements MigrationInterface {
      readonly name = migration.name;
      async up(runner: QueryRunner): Promise<void> {
        await runner.query(migration.up.replaceAll('{app}', appRole));
      }
      down(): Promise<void> {
        return Promise.reject(new Error('migrations go forward'));
      }
    };
  }
}
