export { exchange } from './exchange.js';
export { migrations } from './migrations.js';
