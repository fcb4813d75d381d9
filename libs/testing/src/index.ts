export { freshDatabase, emptyDatabase, type FreshDatabase } from './fresh-database.js';
export { eventually } from './eventually.js';
export { quietLogger, testAdminUrl, testBrokers, topicPrefix } from './infrastructure.js';
export { assertSchemaIsolation } from './schema-isolation.js';
