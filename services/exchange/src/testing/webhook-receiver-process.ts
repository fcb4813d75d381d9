import { call } from '@points/service-testing';
import { startSimulatorProcess, type SimulatorProcess } from './simulator-process.js';

/** As the simulator shows it. */
export interface ReceivedWebhook {
  readonly path: string;
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
  readonly isVerified: boolean;
  readonly signaturesVerified: number;
  readonly isRepeated: boolean;
  readonly answered: number;
}

export interface WebhookReceiverProcess extends SimulatorProcess {
  control(changes: Readonly<Record<string, unknown>>): Promise<void>;
  received(path: string): Promise<ReceivedWebhook[]>;
}

export async function startWebhookReceiverProcess(): Promise<WebhookReceiverProcess> {
  const { url, stop } = await startSimulatorProcess('webhook-receiver');
  return {
    url,
    stop,
    control: async (changes) => {
      const { status } = await call(`${url}/control`, { method: 'PUT', body: changes });
      if (status !== 200) throw new Error(`the receiver did not take the control: ${status}`);
    },
    received: async (path) => {
      const { body } = await call<{ webhooks: ReceivedWebhook[] }>(`${url}/webhooks`);
      return body.webhooks.filter((one) => one.path === path);
    },
  };
}
