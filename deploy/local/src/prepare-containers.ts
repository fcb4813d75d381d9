// Makes what docker-compose.yml needs on this machine: secrets as files, a compose.env that names them, and cloud.json for the tools.
// CLOUD_HOME=.local/docker CLOUD_PORT_BASE=7100 node deploy/local/dist/prepare-containers.js
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceUrls } from '@points/database';
import { randomToken } from '@points/kernel';
import { cloud, partnerSiteClientId } from './cloud.js';
import { composeEnvironment, secretFiles } from './compose-environment.js';
import { writeCloudFile } from './cloud-file.js';
import { keepText } from './keep-text.js';
import { keepSecrets } from './secrets.js';
import { readSettings } from './settings.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const services = cloud.services.map(({ name }) => name);
const { home, portBase } = readSettings(process.env, root, services);
const secrets = keepSecrets(home, services);
const folder = join(home, 'secrets');
/** Inside, the ports are always the same; CLOUD_PORT_BASE moves those that are published. */
const containerPortBase = 7_100;

const superuserPassword = keepText(join(folder, 'postgres-password'), randomToken);
// The names that the containers have among themselves.
const server = new URL('postgres://postgres@postgres:5432/postgres');
server.password = superuserPassword;
keepText(join(folder, 'admin-database-url'), () => server.toString());
server.pathname = '/points';
for (const service of services) {
  const { password = '', ownerPassword = '' } = secrets.passwords.get(service) ?? {};
  const { url, ownerUrl } = serviceUrls(server.toString(), { service, password, ownerPassword });
  keepText(join(folder, `${service}-database-url`), () => url);
  keepText(join(folder, `${service}-migration-database-url`), () => ownerUrl);
}
// Mounted one by one into containers whose users are not the owner of these files. On this machine the folder is shut (0700).
for (const name of secretFiles(services)) chmodSync(join(folder, name), 0o444);

const portOf = (offset: number) => String(portBase + offset);
const urls = new Map(cloud.services.map(({ name, portOffset }) => [name, `http://127.0.0.1:${portOf(portOffset)}`]));
for (const { name, portOffset, publicHost } of cloud.simulators)
  urls.set(
    name,
    publicHost === undefined
      ? // Only exchange calls it: by the name and the port that it has among the containers, see docker-compose.yml.
        `http://${name}:${containerPortBase + portOffset}`
      : `http://127.0.0.1:${portOf(portOffset)}`,
  );
const cloudFile = writeCloudFile(home, urls, secrets.clients, { id: partnerSiteClientId, secret: secrets.partnerSiteSecret });

const environment = {
  COMPOSE_PROJECT_NAME: 'points',
  POINTS_SECRETS: folder,
  TOKEN_ISSUER: urls.get('identity') ?? '',
  ...Object.fromEntries(
    [...cloud.services, ...cloud.simulators].map(({ name, portOffset }) => [
      `${name.toUpperCase().replaceAll('-', '_')}_PORT`,
      portOf(portOffset),
    ]),
  ),
};
const environmentFile = join(home, 'compose.env');
writeFileSync(
  environmentFile,
  composeEnvironment(
    keepText(environmentFile, () => ''),
    environment,
    // The simulators are among the containers.
    { OUTSIDE_ALLOW_PRIVATE: 'true' },
  ),
);
console.log(`secrets: ${folder}\nenvironment of compose: ${environmentFile}\naddresses and clients for the tools: ${cloudFile}`);
