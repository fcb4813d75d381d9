import { Database } from '@points/database';
import { waitUntil } from '@points/infrastructure';
import { createLogger } from '@points/observability';

export interface PosBooks {
  readonly answered201: number;
  readonly capturedPayments: number;
  readonly otherPayments: number;
  readonly spendTransfers: number;
  readonly spentPoints: number;
  readonly sumOfEntries: number;
  readonly waitingEvents: number;
  readonly parkedMessages: number;
}

const quietMsMax = 30_000;

/** Reads the tables of both services, as nobody but a test may: every 201 must be one captured payment and one posted transfer. */
export async function readBooks(adminUrl: string, answered201: number): Promise<{ books: PosBooks; faults: string[] }> {
  const database = await Database.open({
    url: adminUrl,
    schema: 'public',
    applicationName: 'bench',
    log: createLogger('bench', 'silent'),
    poolMax: 1,
  });
  const number = async (sql: string): Promise<number> => Number((await database.pool.query<{ n: string | null }>(sql)).rows[0]?.n ?? 0);
  const everywhere = (table: string) =>
    `select ${['identity', 'ledger', 'settlement'].map((schema) => `(select count(*) from ${schema}.${table})`).join(' + ')} as n`;
  try {
    await waitUntil(async () => (await number(everywhere('outbox'))) === 0, { deadlineMs: quietMsMax, everyMs: 200 });
    const books: PosBooks = {
      answered201,
      capturedPayments: await number(
        `select count(*) as n from settlement.payment where state = 'captured' and captured = amount and refunded = 0`,
      ),
      otherPayments: await number(`select count(*) as n from settlement.payment where state <> 'captured'`),
      spendTransfers: await number(`select count(*) as n from ledger.transfer where kind = 'spend'`),
      spentPoints: await number(`select sum(amount) as n from ledger.transfer where kind = 'spend'`),
      sumOfEntries: await number(`select sum(amount) as n from ledger.entry`),
      waitingEvents: await number(everywhere('outbox')),
      parkedMessages: await number(everywhere('dead_letter')),
    };
    return { books, faults: faultsOf(books) };
  } finally {
    await database.close();
  }
}

export function faultsOf(books: PosBooks): string[] {
  const { answered201: paid } = books;
  return [
    ...(books.capturedPayments === paid ? [] : [`${paid} payments were answered 201 and ${books.capturedPayments} are captured`]),
    ...(books.otherPayments === 0 ? [] : [`${books.otherPayments} payments are in another state than captured`]),
    ...(books.spendTransfers === paid ? [] : [`${paid} payments were answered 201 and the ledger has ${books.spendTransfers} transfers`]),
    ...(books.spentPoints === paid ? [] : [`${paid} points were paid and ${books.spentPoints} are spent in the ledger`]),
    ...(books.sumOfEntries === 0 ? [] : [`the entries sum to ${books.sumOfEntries}`]),
    ...(books.waitingEvents === 0 ? [] : [`${books.waitingEvents} events are still in an outbox`]),
    ...(books.parkedMessages === 0 ? [] : [`${books.parkedMessages} messages are parked`]),
  ];
}
