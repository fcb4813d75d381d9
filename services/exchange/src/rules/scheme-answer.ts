import { detailCharactersMax, isReceipt, keptWords } from './kept-words.js';

/** What a card scheme's answer means for the held points. */
export type SchemeAnswer =
  | { readonly kind: 'acknowledged'; readonly receipt: string }
  /** The scheme's last word: it has not credited and will not. Only this lets held points go back. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** Nobody knows yet whether it has credited: asked again under the same id. */
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * 422 alone is a refusal. Any other status may come from something that stands between (proxy, wrong secret, wrong address) and
 * says nothing about the credit: giving points back on it could pay them out twice.
 */
export function readSchemeAnswer(status: number, body: unknown): SchemeAnswer {
  const fields = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  if (status === 200 || status === 201) {
    const { receipt } = fields;
    if (isReceipt(receipt)) return { kind: 'acknowledged', receipt };
    return { kind: 'failed', reason: `answered ${status} without a receipt` };
  }
  if (status === 422) {
    const { code, detail } = fields;
    return {
      kind: 'refused',
      code: typeof code === 'string' && /^[a-z][a-z-]{0,59}$/.test(code) ? code : 'not-said',
      detail: (typeof detail === 'string' && keptWords(detail, detailCharactersMax)) || 'the scheme gave no reason',
    };
  }
  return { kind: 'failed', reason: `answered ${status}` };
}
