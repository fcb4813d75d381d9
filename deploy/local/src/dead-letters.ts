import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceUrls } from '@points/database';
import { cloud, portOffsets } from './cloud.js';
import { keepSecrets } from './secrets.js';
import { readSettings } from './settings.js';

// `npm run dead-letters -- SERVICE list|replay|discard …`: the service's own command, on the database of the cloud in CLOUD_HOME.
const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const names = cloud.services.map((one) => one.name);
const [service = '', ...rest] = process.argv.slice(2);
const script = cloud.services.find((one) => one.name === service)?.script;
if (!script) {
  console.error(`Name a service first: ${names.join(', ')}. Then list, replay or discard.`);
  process.exit(2);
}
const settings = readSettings(process.env, root, names);
process.exitCode =
  spawnSync(process.execPath, [join(root, script), 'dead-letters', ...rest], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: databaseUrl() },
  }).status ?? 1;

function databaseUrl(): string {
  const external = settings.databases.get(service);
  if (external) return external.url;
  const { password = '', ownerPassword = '' } = keepSecrets(settings.home, names).passwords.get(service) ?? {};
  return serviceUrls(`postgres://127.0.0.1:${settings.portBase + portOffsets.postgres}/points`, { service, password, ownerPassword }).url;
}
