import { cloudClient, describeProblem, expectSuccess, type CloudClient } from '../cloud/cloud-client.js';
import { CloudError } from '../cloud/cloud-error.js';
import type { Cloud } from '../cloud/find-cloud.js';
import { inLanes } from '../in-lanes.js';
import type { MunicipalityFile } from './municipality-file.js';
import { settingsOf, type Setting } from './settings-of.js';

export interface Loaded {
  readonly made: number;
  readonly found: number;
}

/** A start of the cloud must not make the machine busy for longer than needed, nor a service busier than by its own work. */
const settingsAtOnceMax = 8;

/**
 * Sets a municipality up. What the cloud has already is left as it is, because since its first load it belongs to its operator: a shop
 * that was suspended must not open again with the next start. With `update` the file's values are written over what is there.
 */
export async function loadMunicipality(
  cloud: Cloud,
  file: MunicipalityFile,
  options: { readonly update: boolean; readonly onSetting: () => void },
): Promise<Loaded> {
  const client = cloudClient(cloud);
  let [made, found] = [0, 0];
  for (const step of settingsOf(file, cloud.addresses.cardScheme))
    await inLanes(
      step,
      { atOnceMax: settingsAtOnceMax, aheadMax: settingsAtOnceMax },
      ({ path }) => [path],
      async (setting) => {
        const put = async () => {
          const reply = await client.put(setting.service, setting.path, setting.body);
          expectSuccess(reply, `${setting.service} ${setting.path}`);
          return reply;
        };
        const isThere = setting.isSwitch ? (await put()).status === 200 : await isSet(client, setting);
        if (isThere) found++;
        else made++;
        if (!setting.isSwitch && (!isThere || options.update)) await put();
        options.onSetting();
      },
    );
  return { made, found };
}

async function isSet(client: CloudClient, { service, path }: Setting): Promise<boolean> {
  const reply = await client.get(service, path);
  if (reply.status === 404 && String(reply.body['code']).startsWith('unknown-')) return false;
  if (reply.status < 300) return true;
  throw new CloudError(`${service} ${path} cannot be read: ${describeProblem(reply)}`);
}
