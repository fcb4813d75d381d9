import type { IHeaders } from 'kafkajs';

/** CloudEvents 1.0, Kafka protocol binding, binary mode: attributes are headers `ce_…`, the value is the data. */
export interface OutboxRow {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly event_id: string;
  readonly tenant: string | null;
  readonly requester: string | null;
  readonly traceparent: string | null;
  readonly payload: string;
  readonly created_at: Date;
}

export function headersOf(row: OutboxRow, source: string): IHeaders {
  const headers: IHeaders = {
    ce_specversion: '1.0',
    ce_id: row.event_id,
    ce_source: source,
    ce_type: row.type,
    ce_time: row.created_at.toISOString(),
    ce_partitionkey: row.key,
    'content-type': 'application/json',
  };
  if (row.tenant !== null) headers['ce_tenant'] = row.tenant;
  if (row.requester !== null) headers['ce_requester'] = row.requester;
  if (row.traceparent !== null) headers['traceparent'] = row.traceparent;
  return headers;
}

export function headerText(headers: IHeaders | undefined, name: string): string | undefined {
  const value = headers?.[name];
  if (value === undefined) return undefined;
  // A repeated header comes as a list; the first one counts.
  const one = Array.isArray(value) ? value[0] : value;
  return one?.toString().replaceAll('\0', '\uFFFD');
}
