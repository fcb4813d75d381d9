export { ledger } from './ledger.js';
export { migrations } from './schema/migrations.js';
