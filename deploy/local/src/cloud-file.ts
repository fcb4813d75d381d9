import { join } from 'node:path';
import type { BootstrapClient } from './clients.js';
import { writeSecret } from './secrets.js';

/** CLOUD_HOME/cloud.json: where the running cloud is and who may enter, for the tools. Only its owner can read it. */
export interface CloudFile {
  readonly identity: string;
  readonly exchange: string;
  readonly ledger: string;
  readonly settlement: string;
  readonly catalog: string;
  readonly cardScheme: string;
  readonly partnerSite: string;
  /** As whom exchange comes to the sandbox partner. */
  readonly partnerSiteClient?: { readonly id: string; readonly secret: string };
  readonly clients: Readonly<Record<string, { readonly id: string; readonly secret: string }>>;
}

export function cloudFilePath(home: string): string {
  return join(home, 'cloud.json');
}

export function writeCloudFile(
  home: string,
  urls: ReadonlyMap<string, string>,
  clients: readonly BootstrapClient[],
  partnerSiteClient?: CloudFile['partnerSiteClient'],
): string {
  const file = cloudFilePath(home);
  const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  writeSecret(file, {
    ...Object.fromEntries([...urls].map(([name, url]) => [camel(name), url])),
    ...(partnerSiteClient && { partnerSiteClient }),
    clients: Object.fromEntries(clients.map(({ clientId, secret }) => [clientId, { id: clientId, secret }])),
  });
  return file;
}
