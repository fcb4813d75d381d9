export { startTestInfrastructure, type TestInfrastructure, type TestInfrastructureOptions } from './test-infrastructure.js';
