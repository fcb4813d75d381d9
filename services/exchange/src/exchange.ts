import { holderRegisteredV1, postingCompletedV1, programmeChangedV1 } from '@points/contracts';
import type { ServiceDefinition } from '@points/service';
import { ExchangeConfig } from './exchange.config.js';
import { ExchangeModule } from './exchange.module.js';
import { migrations } from './migrations.js';
import { takeLists } from './reconcile-partners/take-lists.js';
import { webhooks } from './tell-partners/webhook-descriptions.js';
import { takeUploads } from './upload-orders/take-uploads.js';

/** The service as its main and its tests start it. */
export const exchange: ServiceDefinition<ExchangeConfig> = {
  name: 'exchange',
  title: 'Exchange',
  description: 'Partners and their rates, linked accounts, exchange orders, conversions to outside card schemes, webhooks to partners.',
  module: ExchangeModule,
  config: ExchangeConfig,
  migrations,
  prepare: (app) => {
    takeLists(app);
    takeUploads(app);
  },
  reads: [postingCompletedV1, holderRegisteredV1, programmeChangedV1],
  webhooks,
};
