export { createLogger, type Logger } from './logger.js';
export { metrics, type Metrics } from './metrics.js';
export { continueTrace, currentTraceparent, inSpan, startTracing, traceIdOf } from './tracing.js';
