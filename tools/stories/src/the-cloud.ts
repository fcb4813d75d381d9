import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFreshCloud, type CloudFile } from '@points/local';
import { call, type Called } from '@points/service-testing';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const services = ['identity', 'exchange', 'ledger', 'settlement', 'catalog'] as const;
export type Service = (typeof services)[number];

/** One throwaway cloud with an operator's token. */
export interface TheCloud {
  readonly home: string;
  readonly addresses: CloudFile;
  readonly lines: string[];
  token(options?: { scope?: string; client?: string }): Promise<string>;
  /** As the operator: answers the body, and throws unless the status is one of success. */
  ask(service: Service, method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** As the operator, with whatever comes back. */
  reply(service: Service, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Called>;
  stop(): Promise<void>;
}

export async function startTheCloud(): Promise<TheCloud> {
  const lines: string[] = [];
  const fresh = await startFreshCloud(root, process.env, (line) => lines.push(line));
  try {
    await fresh.ready;
  } catch (error) {
    await fresh.stop();
    throw new Error(`the cloud did not start:\n${lines.join('\n')}`, { cause: error });
  }
  // The supervisor has just written it.
  const addresses = JSON.parse(readFileSync(join(fresh.home, 'cloud.json'), 'utf8')) as CloudFile;
  const token: TheCloud['token'] = async ({ scope, client = 'operator' } = {}) => {
    const secret = addresses.clients[client]?.secret ?? '';
    const response = await fetch(`${addresses.identity}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }).toString(),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const operator = await token();
  const reply: TheCloud['reply'] = (service, method, path, body, headers) =>
    call(`${addresses[service]}${path}`, { method, token: operator, ...(body !== undefined && { body }), ...(headers && { headers }) });
  return {
    home: fresh.home,
    addresses,
    lines,
    token,
    reply,
    ask: async (service, method, path, body) => {
      const { status, body: answer } = await reply(service, method, path, body);
      if (status >= 300) throw new Error(`${service} ${method} ${path}: ${status} ${JSON.stringify(answer)}`);
      return answer;
    },
    stop: () => fresh.stop(),
  };
}
