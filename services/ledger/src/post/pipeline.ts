import { inOnePacket, settled, type Database, type Tenancy } from '@points/database';
import { escapeLiteral, type Pool, type PoolClient } from 'pg';
import { sender, type Send } from './wire.js';

/**
 * Connections for `inPipeline`. Its statements join a short list with a table by its key, and must do so while a table is new and its
 * statistics say that it is empty: a plan that reads the whole table would be kept until the next analyze, minutes of full load later.
 * Joins keep the order in which they are written: the planner takes the tenant policy for a filter that leaves next to nothing, and
 * would begin with all transfers of an account instead of with the posting that was named (measured: ten times the index probes).
 */
export function pipelinePool(database: Database, connections: number): Pool {
  const pool = database.pipelined(connections);
  // Sent before anything else on the connection; where it fails, so does what follows.
  pool.on('connect', (client) => void client.query(byKeyOnly).catch(heard));
  return pool;
}

const byKeyOnly = `
  set plan_cache_mode = force_generic_plan;
  set enable_seqscan = off;
  set enable_hashjoin = off;
  set enable_mergejoin = off;
  set jit = off;
  set join_collapse_limit = 1`;

/** What is known after the reads, and how to send the writes. */
export interface Ready<T> {
  readonly result: T;
  readonly finish: () => Promise<void>;
}

/**
 * A transaction in two round trips: begin, tenancy and everything that `work` sends before its first wait leave at once; the
 * writes of `finish` leave together with the commit. After a failure the connection is given back clean or not at all.
 */
export async function inPipeline<T>(pool: Pool, tenancy: Tenancy, work: (send: Send) => Promise<Ready<T>>): Promise<T> {
  const client = await pool.connect();
  let isClean = false;
  // A lost connection reaches every open statement; pg emits it as an event besides, which would end the process unheard.
  client.on('error', heard);
  try {
    const send = sender(client);
    const [, , { result, finish }] = await settled(
      inOnePacket(
        client,
        () =>
          [
            isTimeToPlanAnew(client) ? client.query('discard plans') : undefined,
            client.query(`begin; set local app.tenant = ${escapeLiteral(tenancy.setting)}`),
            work(send),
          ] as const,
      ),
    );
    await settled(inOnePacket(client, () => [finish(), client.query('commit')] as const));
    isClean = true;
    return result;
  } catch (error) {
    isClean = await rollback(client);
    throw error;
  } finally {
    client.off('error', heard);
    client.release(!isClean);
  }
}

/**
 * A plan is kept as long as its connection, and one that was made while a table was empty may go by the wrong index: all look equally
 * good then. Measured: with 10,000 lots in the meantime, reading the lots of 100 accounts took 580 ms instead of 0.5 ms. So plans are
 * made anew, often at first and then seldom; that takes some 5 ms.
 */
function isTimeToPlanAnew(client: PoolClient): boolean {
  const count = (uses.get(client) ?? 0) + 1;
  uses.set(client, count);
  return count === 10 || count === 100 || count % plansKeptUses === 0;
}

const uses = new WeakMap<PoolClient, number>();
const plansKeptUses = 1_000;

function heard(): void {}

/** Answered after everything that was sent before it, so nothing is left in the pipe. */
async function rollback(client: PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}
