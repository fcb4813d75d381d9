import { holderRegisteredV1, postingCompletedV1 } from '@points/contracts';
import type { ServiceDefinition } from '@points/service';
import { CatalogConfig } from './catalog-config.js';
import { CatalogModule } from './catalog.module.js';
import { migrations } from './migrations.js';

export const catalog: ServiceDefinition<CatalogConfig> = {
  name: 'catalog',
  title: 'Catalog',
  description: 'What points can be earned by and spent on: products and orders, facilities, donation funds, activities.',
  module: CatalogModule,
  config: CatalogConfig,
  migrations,
  reads: [postingCompletedV1, holderRegisteredV1],
};
