import { holderRegisteredV1, postingCompletedV1, type Contract } from '@points/contracts';
import type { ServiceDefinition } from '@points/service';
import { migrations } from './migrations.js';
import { SettlementConfig } from './settlement.config.js';
import { SettlementModule } from './settlement.module.js';

export const settlement: ServiceDefinition<SettlementConfig> = {
  name: 'settlement',
  title: 'Settlement',
  description: 'Shops and groups of shops, and payments with municipal points at their tills.',
  module: SettlementModule,
  config: SettlementConfig,
  migrations,
  // A contract of a precise event is one of any event to who only passes it on.
  reads: [holderRegisteredV1, postingCompletedV1] as Contract[],
};
