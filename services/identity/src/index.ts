export { identity } from './identity.js';
export { IdentityConfig } from './identity.config.js';
export { migrations } from './migrations.js';
