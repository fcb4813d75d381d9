import { readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findCloud } from './cloud/find-cloud.js';
import { loadMunicipality } from './municipalities/load-municipality.js';
import { readMunicipality } from './municipalities/read-municipality.js';
import { progressLine } from './progress-line.js';

const usage = `usage: node tools/replay/dist/load-municipalities.js [--home CLOUD_HOME] [--update] [files…]

  files…     municipality files; without any, all of data/municipalities
  --home DIR home of the running cloud (default: CLOUD_HOME, else .local)
  --update   write the files' values over what the cloud has; without it, only what is missing is made

exit: 0 loaded; 1 not`;

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      home: { type: 'string' },
      update: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const paths = positionals.length ? positionals.map((path) => resolve(path)) : await filesIn(join(root, 'data/municipalities'));
  // All are read before the first is sent: a slip in the last must not leave half of a country.
  const files = await Promise.all(paths.map((path) => readMunicipality(relative(process.cwd(), path) || path)));
  const cloud = await findCloud(values.home ?? resolve(root, process.env['CLOUD_HOME'] || '.local'), process.env);

  const progress = progressLine('municipalities');
  let [made, found, municipality] = [0, 0, ''];
  for (const file of files) {
    municipality = file.municipality.name;
    let settings = 0;
    const loaded = await loadMunicipality(cloud, file, {
      update: values.update,
      onSetting: () => progress.show(`${municipality}, ${++settings} settings`),
    });
    made += loaded.made;
    found += loaded.found;
  }
  progress.end();
  console.log(
    `${files.length} files: ${files.map((file) => file.municipality.name).join(', ')}; ${made} settings made, ${found} ${values.update ? 'updated' : 'found there'}`,
  );
}

async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name));
}
