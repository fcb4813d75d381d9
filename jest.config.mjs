// One jest for the whole workspace: the suites share two workers and one throwaway PostgreSQL and Kafka (see tools/check).
export default {
  projects: ['<rootDir>/libs/*', '<rootDir>/services/*', '<rootDir>/tools/*', '<rootDir>/deploy/local'],
  maxWorkers: 2,
  workerIdleMemoryLimit: '512MB',
  // Not for leaks: a worker that has nothing open any more (its last event is over 15 ms after it was told to end) still has 400 MB to give back, and on
  // a busy machine that takes longer than jest's half second, which it then tells as "failed to exit gracefully".
  workerGracefulExitTimeout: 10_000,
  // Read here only: jest ignores it in a project's config. Most tests take milliseconds; a hook that migrates a database on a busy machine does not.
  testTimeout: 30_000,
};
