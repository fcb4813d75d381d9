import { createHash } from 'node:crypto';
import { expectSuccess, type CloudClient } from '../cloud/cloud-client.js';
import { isRecord } from '../trial/json-document.js';

/** The most that identity takes in one call. */
const holdersBulkMax = 500;

/** Registers the persons of a trial. Answers the My Key IDs that their owners have given up for others: nothing can be booked under them. */
export async function registerHolders(
  client: CloudClient,
  municipality: string,
  myKeyIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const distinct = [...new Set(myKeyIds)].sort();
  const retired = new Set<string>();
  for (let from = 0; from < distinct.length; from += holdersBulkMax) {
    const some = distinct.slice(from, from + holdersBulkMax);
    // The same persons get the same key, so that a second replay hears the first answer.
    const key = `replay:holders:${createHash('sha256').update(some.join()).digest('base64url')}`;
    const body = expectSuccess(
      await client.post('identity', `/v1/municipalities/${municipality}/holders/bulk`, { myKeyIds: some }, key),
      'Registering the persons',
    );
    const holders: unknown[] = Array.isArray(body['holders']) ? body['holders'] : [];
    for (const holder of holders) if (isRecord(holder) && holder['state'] === 'retired') retired.add(String(holder['myKeyId']));
  }
  return retired;
}
