import { randomBytes } from 'node:crypto';
import { Database, migrate, provisionService, serviceUrls } from '@points/database';
import { createLogger } from '@points/observability';
import { migrations } from '../schema/migrations.js';

/** The ledger's schema and role on an empty server, made as the cloud makes them. */
export async function freshLedger(adminUrl: string): Promise<{ database: Database; url: string }> {
  const provisioned = { service: 'ledger', password: randomBytes(16).toString('hex'), ownerPassword: randomBytes(16).toString('hex') };
  await provisionService(adminUrl, provisioned);
  const { url, ownerUrl } = serviceUrls(adminUrl, provisioned);
  await migrate({ url: ownerUrl, schema: 'ledger', appRole: 'ledger', migrations });
  const log = createLogger('simulation', 'silent');
  return { database: await Database.open({ url, schema: 'ledger', applicationName: 'simulation', log, poolMax: 5 }), url };
}
