export { ServiceConfig } from './service-config.js';
export { LOGGER, METRICS } from './tokens.js';
export { runService, startService, type RunningService, type ServiceDefinition } from './run-service.js';
export { routesOf, openApiOf } from '@points/http';
