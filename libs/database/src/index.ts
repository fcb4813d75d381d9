export { Database, type DatabaseOptions, type Statement, type Tenancy, type Tx } from './database.js';
export { inOnePacket, settled } from './in-one-packet.js';
export { everyTenant, tenants, worksForToo } from './tenancy.js';
export { migrate, type Migration } from './migrate.js';
export { provisionService, serviceUrls, type ProvisionedService } from './provision.js';
export { tenantTable } from './tenant-table.js';
export { isTransient, violatedConstraint } from './errors.js';
