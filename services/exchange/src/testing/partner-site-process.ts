import { call } from '@points/service-testing';
import { startSimulatorProcess, type SimulatorProcess } from './simulator-process.js';

export interface PartnerBooks {
  readonly balances: readonly { account: string; available: number; reserved: number; taken: number }[];
  readonly reservations: readonly { id: string; account: string | null; points: number; state: string; receipt?: string }[];
  readonly differences: readonly string[];
}

export interface PartnerSiteProcess extends SimulatorProcess {
  readonly endpoint: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  fail(failure: Readonly<Record<string, unknown>>): Promise<void>;
  clearFailures(): Promise<void>;
  books(): Promise<PartnerBooks>;
  balance(account: string): Promise<{ available: number; reserved: number; taken: number }>;
  /** As if the time of a reservation were over. */
  lapse(id: string): Promise<void>;
  /** As the partner's staff would, by hand: a lapsed reservation is there again. */
  reinstate(id: string): Promise<void>;
  putAccount(account: string, granted: number): Promise<void>;
  /** A resident's visit to the sign-in; answers what the browser brings back. */
  visit(url: string, account: string, allow?: boolean): Promise<{ state: string; code?: string; iss?: string; error?: string }>;
}

export const redirectUri = 'http://127.0.0.1:9/linked';

export async function startPartnerSiteProcess(...args: string[]): Promise<PartnerSiteProcess> {
  const client = { clientId: 'municipal-points', clientSecret: 'a-secret-of-the-sandbox' };
  const simulator = await startSimulatorProcess('partner-site/partner-site', {}, [
    ...['--client-id', client.clientId, '--client-secret', client.clientSecret, '--redirect-uri', redirectUri],
    ...args,
  ]);
  const control = async <T>(method: string, what: string, body?: object) => {
    const answer = await call<T>(`${simulator.url}/control/${what}`, { method, ...(body && { body }) });
    if (answer.status >= 300) throw new Error(`the partner site did not do ${method} ${what}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const books = () => control<PartnerBooks>('GET', 'books');
  return {
    ...simulator,
    endpoint: `${simulator.url}/points`,
    client,
    books,
    fail: async (failure) => void (await control('POST', 'failures', failure)),
    clearFailures: async () => void (await control('DELETE', 'failures')),
    balance: async (account) => {
      const { available = 0, reserved = 0, taken = 0 } = (await books()).balances.find((one) => one.account === account) ?? {};
      return { available, reserved, taken };
    },
    lapse: async (id) => void (await control('POST', `lapse/${id}`)),
    reinstate: async (id) => void (await control('POST', `reinstate/${id}`)),
    putAccount: async (account, granted) => void (await control('PUT', `accounts/${account}`, { granted })),
    visit: async (url, account, allow = true) => {
      const { location } = await control<{ location: string }>('POST', 'visits', { url, account, allow });
      const { code, iss, error, state = '' } = Object.fromEntries(new URL(location).searchParams) as Record<string, string>;
      return { state, ...(code !== undefined && { code }), ...(iss !== undefined && { iss }), ...(error !== undefined && { error }) };
    },
  };
}
