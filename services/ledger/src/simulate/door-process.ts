import { Database } from '@points/database';
import type { Instant } from '@points/kernel';
import { createLogger } from '@points/observability';
import { Door } from '../post/door.js';
import type { AnyRequest } from '../post/request.js';

/** What the simulation sends to a door in a process of its own, which it will kill. */
export interface DoorOrder {
  readonly url: string;
  readonly now: Instant;
  readonly requests: readonly AnyRequest[];
}

/** Says "ready" when its door stands, and nothing else: whatever it has answered is lost. */
process.once('message', (order: DoorOrder) => {
  void run(order);
});

async function run({ url, now, requests }: DoorOrder): Promise<void> {
  const database = await Database.open({
    url,
    schema: 'ledger',
    applicationName: 'simulation-child',
    log: createLogger('simulation', 'silent'),
  });
  const door = new Door({ database, now: () => now });
  // A first posting nowhere opens the connections, so that the parent's clock runs against the door and not against their making.
  await door.settle(requests.slice(0, 1).map((request) => ({ ...request, programme: '141305-nowhere' as AnyRequest['programme'] })));
  process.send?.('ready');
  await door.settle(requests);
  await door.close();
  await database.close();
}
