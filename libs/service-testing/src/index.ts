export { testService, type TestService } from './test-service.js';
export { call, type Called } from './call.js';
