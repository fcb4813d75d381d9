export { ConfigError, readConfig } from './read-config.js';
