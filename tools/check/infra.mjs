// Starts a throwaway PostgreSQL and Kafka for tests run by hand, prints the two variables that the tests read and stays until
// INT or TERM. For example:  node tools/check/infra.mjs > /tmp/infra.env & … ; source /tmp/infra.env
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { setInterval } from 'node:timers';

const root = join(import.meta.dirname, '..', '..');
const { startTestInfrastructure } = await import(pathToFileURL(join(root, 'tools/check/dist/index.js')).href).catch((error) => {
  console.error(`tools/check is not built (${error.message}): run npx tsc -b tools/check first`);
  process.exit(1);
});

const infrastructure = await startTestInfrastructure({ onProgress: (line) => console.error(line) });
console.log(`export TEST_DATABASE_ADMIN_URL=${infrastructure.databaseAdminUrl}`);
console.log(`export TEST_KAFKA_BROKERS=${infrastructure.kafkaBrokers}`);

let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, async () => {
    if (isStopping) return;
    isStopping = true;
    await infrastructure.stop();
    process.exit(0);
  });

// Containers, unlike child processes, do not keep this process alive.
setInterval(() => undefined, 60_000);
