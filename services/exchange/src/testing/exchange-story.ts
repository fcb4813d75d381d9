import { randomUUID } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant } from '@points/database';
import { event, publish } from '@points/messaging';
import { call, testService, type Called, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import type { ExchangeConfig } from '../exchange.config.js';
import { exchange } from '../exchange.js';
import { fakeLedger, type FakeLedger } from './fake-ledger.js';

export interface Resident {
  readonly holder: string;
  readonly myKeyId: string;
}

/** The service with a ledger, residents and the people who use it, for stories through HTTP and Kafka. */
export interface ExchangeStory {
  readonly service: TestService;
  readonly ledger: FakeLedger;
  readonly residents: readonly Resident[];
  /** Two members of the staff, who approve each other's changes, and the system of the partners made here. */
  readonly staff: string;
  readonly chief: string;
  readonly partner: string;
  at(path: string, programme?: string): string;
  read(path: string, token?: string): Promise<Called>;
  send(path: string, body: object, token?: string): Promise<Called>;
  put(path: string, body: object, token?: string): Promise<Called>;
  /** A partner with an id of its own; answers the id. */
  newPartner(terms?: object): Promise<string>;
  close(): Promise<void>;
}

export async function exchangeStory(
  programme: string,
  scopes: readonly string[],
  config: Partial<ExchangeConfig> = {},
): Promise<ExchangeStory> {
  const service = await testService(exchange, config);
  const ledger = await fakeLedger(service.topicPrefix);
  const municipality = programme.slice(0, 6);
  const all = ['partners:write', 'partners:read', 'partners:approve', 'exchange:write', 'exchange:read', 'exchange:on-behalf', ...scopes];
  const [staff, chief, partner] = await Promise.all([
    service.token(all, [municipality], 'staff'),
    service.token(all, [municipality], 'chief'),
    service.token(['exchange:write', 'exchange:read'], [municipality], 'partner-system'),
  ]);
  const residents = Array.from({ length: 4 }, (_, index) => ({ holder: randomUUID(), myKeyId: `STORY00${index}` }));
  await registerResidents(service, residents);
  const at = (path: string, of = programme) => `${service.url}/v1/municipalities/${of.slice(0, 6)}/programmes/${of}/${path}`;
  const put = (path: string, body: object, token = staff) => call(at(path), { method: 'PUT', token, body });
  return {
    service,
    ledger,
    residents,
    staff,
    chief,
    partner,
    at,
    put,
    read: (path, token = staff) => call(at(path), { token }),
    send: (path, body, token = staff) => call(at(path), { token, body }),
    newPartner: async (terms = {}) => {
      const id = `p-${randomUUID().slice(0, 8)}`;
      const whole = {
        name: 'Partner',
        rate: { numerator: 1, denominator: 1 },
        lotPartnerPoints: 100,
        clients: ['partner-system'],
        ...terms,
      };
      const { status, body } = await put(`partners/${id}`, whole);
      if (status !== 201) throw new Error(`the partner was not set up: ${JSON.stringify(body)}`);
      return id;
    },
    close: async () => {
      await ledger.close();
      await service.close();
    },
  };
}

async function registerResidents(service: TestService, residents: readonly Resident[]): Promise<void> {
  const registeredAt = new Date().toISOString();
  // The outbox of any service may tell it: what counts is what arrives.
  await service.database.transaction(everyTenant, (tx) =>
    publish(
      tx,
      residents.map((one) => event(holderRegisteredV1, { ...one, registeredAt })),
    ),
  );
  await eventually(async () => (await service.database.pool.query('select from holder_link')).rowCount === residents.length);
}
