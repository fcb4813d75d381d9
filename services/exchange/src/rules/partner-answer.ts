import { parseInstant, type Instant } from '@points/kernel';
import { detailCharactersMax, isReceipt, keptWords } from './kept-words.js';
import type { PartnerStep } from './link-order-state.js';

/** What a linked partner's answer means for the order. */
export type PartnerAnswer =
  | { readonly kind: 'reserved'; readonly lapsesAt: Instant }
  | { readonly kind: 'committed'; readonly receipt: string }
  | { readonly kind: 'cancelled' }
  /** The partner's last word under this id. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** The partner has something else under this id: nothing is taken, and what there is must be cancelled. */
  | { readonly kind: 'contradicted'; readonly code: string; readonly detail: string }
  /** The token is not accepted: refreshed, and asked again. */
  | { readonly kind: 'token-refused' }
  /** Nobody knows yet: asked again under the same id. */
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Reads an answer by the contract (docs/guides/partner-endpoint.md). Only what the contract names ends a step: any other status may come
 * from something that stands between (proxy, wrong address) and says nothing about the reservation.
 */
export function readPartnerAnswer(step: PartnerStep, status: number, body: unknown): PartnerAnswer {
  const fields = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  if (status === 401) return { kind: 'token-refused' };
  const code = codeOf(fields);
  switch (step) {
    case 'reserve': {
      if (status === 200 || status === 201) return reserved(status, fields);
      if (status === 422 && code !== undefined) return { kind: 'refused', ...said(code, fields) };
      if (status === 409 && (code === 'already-cancelled' || code === 'lapsed')) return { kind: 'refused', ...said(code, fields) };
      if (status === 409 && code === 'reservation-exists') return { kind: 'contradicted', ...said(code, fields) };
      break;
    }
    case 'commit': {
      const { receipt, state } = fields;
      if (status === 200 && state === 'committed' && isReceipt(receipt) && /^\S+$/.test(receipt)) return { kind: 'committed', receipt };
      if (status === 409 && (code === 'lapsed' || code === 'already-cancelled' || code === 'refused'))
        return { kind: 'refused', ...said(code, fields) };
      if (status === 404 && code === 'unknown-reservation') return { kind: 'refused', ...said(code, fields) };
      break;
    }
    case 'cancel': {
      const { state } = fields;
      if (status === 200 && (state === 'cancelled' || state === 'lapsed' || state === 'refused')) return { kind: 'cancelled' };
      if (status === 409 && code === 'already-committed') return { kind: 'refused', ...said(code, fields) };
      break;
    }
  }
  return { kind: 'failed', reason: `answered ${status}${code === undefined ? '' : ` ${code}`}, which is none of the contract` };
}

function reserved(status: number, { state, lapsesAt }: Readonly<Record<string, unknown>>): PartnerAnswer {
  if (state !== 'reserved') return { kind: 'failed', reason: `answered ${status} with another state than reserved` };
  const at = typeof lapsesAt === 'string' ? instantOf(lapsesAt) : undefined;
  if (at === undefined) return { kind: 'failed', reason: `answered ${status} without a time at which the reservation lapses` };
  return { kind: 'reserved', lapsesAt: at };
}

function instantOf(text: string): Instant | undefined {
  try {
    return parseInstant(text);
  } catch {
    return undefined;
  }
}

function codeOf({ code }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof code === 'string' && /^[a-z][a-z-]{0,59}$/.test(code) ? code : undefined;
}

function said(code: string, { detail }: Readonly<Record<string, unknown>>) {
  return { code, detail: (typeof detail === 'string' && keptWords(detail, detailCharactersMax)) || 'the partner gave no reason' };
}
