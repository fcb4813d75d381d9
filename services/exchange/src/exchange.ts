import { holderRegisteredV1, postingCompletedV1, programmeChangedV1 } from '@points/contracts';
import { ServiceConfig, type ServiceDefinition } from '@points/service';
import { ExchangeModule } from './exchange.module.js';
import { migrations } from './migrations.js';

/** The service as its main and its tests start it. It has no configuration beyond that of every service. */
export const exchange: ServiceDefinition = {
  name: 'exchange',
  title: 'Exchange',
  description: 'Partners and their rates, exchange orders, conversions to outside card schemes.',
  module: ExchangeModule,
  config: ServiceConfig,
  migrations,
  reads: [postingCompletedV1, holderRegisteredV1, programmeChangedV1],
};
