export { endLeftoverPostgres, startPostgres, type PostgresOptions, type RunningPostgres } from './postgres.js';
export { endLeftoverKafka, startKafka, type KafkaOptions, type RunningKafka } from './kafka.js';
export { kafkaProperties } from './kafka-properties.js';
export { fetchKafkaJars, hasKafkaJars } from './kafka-jars.js';
export { answersTo, freePorts, isPortFree, kafkaGreeting, postgresGreeting } from './ports.js';
export { checkMachine, folderProblem, javaProblem, mavenProblem, nodeProblem } from './machine.js';
export { InfrastructureError } from './infrastructure-error.js';
export { waitUntil } from './wait.js';
export {
  endChild,
  endProcess,
  endRecordedProcess,
  gently,
  hasEnded,
  isStillRunning,
  readProcessRecord,
  recordProcess,
  startTimeOf,
  type EndStep,
  type ProcessRecord,
} from './process-record.js';
export { cpuMsOf } from './cpu-time.js';
export { allCreated, postInClosedLoop, serveOrders, type LoadOrder, type LoadResult } from './closed-loop.js';
export { HttpLine, type Reply } from './http-line.js';
export { nodeArguments, serviceReady, startServiceProcess, type ServiceProcess } from './service-process.js';
