import { tenantTable, type Migration } from '@points/database';
import { httpMigrations } from '@points/http';
import { messagingMigrations } from '@points/messaging';
import { createBooks } from './create-books.js';
import { createChain } from './create-chain.js';
import { createCounterPruning } from './create-counter-pruning.js';
import { createEndingOrder } from './create-ending-order.js';
import { createExtensions } from './create-extensions.js';
import { createLimits } from './create-limits.js';
import { createProgramme } from './create-programme.js';
import { createReports } from './create-reports.js';
import { createRollUp } from './create-roll-up.js';

/** Everything in the ledger's schema, in the order in which it is made. */
export const migrations: readonly Migration[] = [
  ...messagingMigrations,
  ...httpMigrations,
  { name: 'CreateProgramme1763856000001', up: createProgramme(tenantTable) },
  { name: 'CreateBooks1763856000002', up: createBooks(tenantTable) },
  { name: 'CreateChain1763856000010', up: createChain(tenantTable) },
  { name: 'CreateReports1763856000020', up: createReports(tenantTable) },
  { name: 'CreateLimits1763856000030', up: createLimits(tenantTable) },
  { name: 'CreateCounterPruning1763856000031', up: createCounterPruning },
  { name: 'CreateExtensions1763856000060', up: createExtensions(tenantTable) },
  { name: 'CreateRollUp1763856000070', up: createRollUp(tenantTable) },
  { name: 'CreateEndingOrder1763856000071', up: createEndingOrder },
];
