// One jest for the whole workspace: the suites share two workers and one throwaway PostgreSQL and Kafka (see tools/check).
export default {
  projects: ['<rootDir>/libs/*', '<rootDir>/services/*', '<rootDir>/tools/*', '<rootDir>/deploy/local'],
  maxWorkers: 2,
  workerIdleMemoryLimit: '512MB',
  // Read here only: jest ignores it in a project's config. Most tests take milliseconds; a hook that migrates a database on a busy machine does not.
  testTimeout: 30_000,
};
