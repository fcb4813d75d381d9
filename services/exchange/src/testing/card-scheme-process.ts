import { call } from '@points/service-testing';
import { startSimulatorProcess, type SimulatorProcess } from './simulator-process.js';

export interface CardSchemeProcess extends SimulatorProcess {
  control(changes: Readonly<Record<string, unknown>>): Promise<void>;
  credits(scheme: string): Promise<{ id: string; member: string; points: number; receipt: string }[]>;
}

export async function startCardSchemeProcess(secret: string): Promise<CardSchemeProcess> {
  const { url, stop } = await startSimulatorProcess('card-scheme', { CARD_SCHEME_SECRET: secret });
  return {
    url,
    stop,
    control: async (changes) => {
      const { status } = await call(`${url}/control`, { method: 'PUT', body: changes });
      if (status !== 200) throw new Error(`the card scheme did not take the control: ${status}`);
    },
    credits: async (scheme) => {
      const { body } = await call<{ credits: { id: string; member: string; points: number; receipt: string }[] }>(
        `${url}/schemes/${encodeURIComponent(scheme)}/credits`,
        { headers: { authorization: `Bearer ${secret}` } },
      );
      return body.credits;
    },
  };
}
