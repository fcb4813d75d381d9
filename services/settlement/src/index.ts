export { SettlementConfig } from './settlement.config.js';
export { migrations } from './migrations.js';
export { settlement } from './settlement.js';
