import { postingRequestedV1 } from '@points/contracts';
import { ServiceConfig, type ServiceDefinition } from '@points/service';
import { LedgerModule } from './ledger.module.js';
import { acceptLists } from './reconcile/reconcile.http.js';
import { migrations } from './schema/migrations.js';

export const ledger: ServiceDefinition = {
  name: 'ledger',
  title: 'Ledger',
  description: 'Programmes and their rules, holders’ accounts with expiring lots, and everything that moves points.',
  module: LedgerModule,
  config: ServiceConfig,
  migrations,
  reads: [postingRequestedV1],
  prepare: acceptLists,
};
