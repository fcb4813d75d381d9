import type { Problem } from '@points/http';
import { uuidv7 } from '@points/kernel';
import type { OrderWish, Placed } from '../place-exchange-order/place-orders.js';
import type { BadLine, LineError, OrderLine } from './read-orders.js';
import type { UploadRow } from './upload.js';

export interface GoodLine {
  readonly line: number;
  readonly order: OrderLine;
}

export function wishOf(upload: UploadRow, { order }: GoodLine): OrderWish {
  return {
    id: uuidv7(),
    municipality: upload.tenant,
    programme: upload.programme,
    order: { ...order, partner: upload.partner },
    channel: 'upload',
    upload: upload.id,
    client: upload.client,
    isOnBehalf: upload.is_on_behalf,
    mayBringHistory: upload.may_bring_history,
    ...(upload.traceparent !== null && { traceparent: upload.traceparent }),
  };
}

/** The lines that the rules refuse, in the words of the HTTP API. */
export function refusedLines(lines: readonly GoodLine[], placed: readonly Placed[]): BadLine[] {
  return lines.flatMap(({ line, order }, index) => {
    const one = placed[index];
    if (!one) throw new Error('assertion failed: every wish has an end');
    return 'problem' in one ? [{ line, orderId: order.orderId, code: one.problem.code, errors: errorsOf(one.problem) }] : [];
  });
}

function errorsOf({ code, detail, facts }: Problem): readonly LineError[] {
  // `errors` of a problem are of this form (RFC 9457 leaves it to the service).
  if (Array.isArray(facts['errors'])) return facts['errors'] as LineError[];
  return [{ field: fieldOf[code] ?? 'line', reason: detail }];
}

const fieldOf: Readonly<Record<string, string>> = {
  'unknown-my-key-id': 'myKeyId',
  'below-minimum': 'partnerPoints',
  'above-maximum': 'partnerPoints',
  'not-whole-lots': 'partnerPoints',
  'amount-too-small': 'partnerPoints',
  'amount-too-large': 'partnerPoints',
  'cap-exceeded': 'partnerPoints',
  'ratio-mismatch': 'municipalPoints',
  'scope-missing': 'acceptedAt',
};
