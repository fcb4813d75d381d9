export { startTestInfrastructure, type TestInfrastructure, type TestInfrastructureOptions } from './test-infrastructure.js';
export { endLeftovers } from './end-leftovers.js';
