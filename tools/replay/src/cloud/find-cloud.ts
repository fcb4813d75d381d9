import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../trial/json-document.js';
import { CloudError } from './cloud-error.js';

export const serviceNames = ['identity', 'exchange', 'ledger', 'settlement', 'catalog', 'cardScheme'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Where a cloud's services are and as whom a tool may speak to them. */
export interface Cloud {
  readonly addresses: Readonly<Record<ServiceName, string>>;
  readonly client: { readonly id: string; readonly secret: string };
}

/**
 * Reads `cloud.json` in the home of a running cloud (`CLOUD_HOME`, by default `.local` of the project). For a cloud elsewhere every
 * value can come from the environment: `IDENTITY_URL`, `EXCHANGE_URL`, …, `CARD_SCHEME_URL`, `CLIENT_ID`, `CLIENT_SECRET`.
 */
export async function findCloud(home: string, environment: NodeJS.ProcessEnv): Promise<Cloud> {
  const file = join(home, 'cloud.json');
  const stored = await readStored(file);
  const missing: string[] = [];
  const address = (name: ServiceName): string => {
    const key = `${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}_URL`;
    const url = environment[key] ?? stored?.[name];
    if (typeof url === 'string' && URL.canParse(url)) return url.replace(/\/$/, '');
    missing.push(key);
    return '';
  };
  const addresses = Object.fromEntries(serviceNames.map((name) => [name, address(name)])) as Record<ServiceName, string>;
  const operator = isRecord(stored?.['clients']) && isRecord(stored['clients']['operator']) ? stored['clients']['operator'] : {};
  const [id, secret] = [environment['CLIENT_ID'] ?? operator['id'], environment['CLIENT_SECRET'] ?? operator['secret']];
  if (typeof id !== 'string') missing.push('CLIENT_ID');
  if (typeof secret !== 'string') missing.push('CLIENT_SECRET');
  if (typeof id !== 'string' || typeof secret !== 'string' || missing.length)
    throw new CloudError(
      stored
        ? `${file} does not say all that is needed: ${missing.join(', ')}. Start the cloud again with \`npm start\`, or give these in the environment.`
        : `No cloud is running here: ${file} does not exist. Start one with \`npm start\`, name its home with --home, or replay into a throwaway one with --fresh.`,
    );
  return { addresses, client: { id, secret } };
}

async function readStored(file: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CloudError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`);
  }
  try {
    const stored: unknown = JSON.parse(text);
    if (isRecord(stored)) return stored;
  } catch {
    // The sentence below says all there is to say.
  }
  throw new CloudError(`${file} is not a JSON object. Start the cloud again with \`npm start\`: it is written anew.`);
}
