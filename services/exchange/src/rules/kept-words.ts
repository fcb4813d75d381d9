/**
 * What a machine of another company says, as words that can be kept and shown: PostgreSQL has no text with U+0000 and no JSON with half a
 * character (a cut can make one of a whole), and where that cannot be written down, the answer itself would be lost and asked for again.
 */
export function keptWords(text: string, charactersMax: number): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, charactersMax)
    .toWellFormed();
}

/** A receipt is kept as it came, or not taken. */
export function isReceipt(receipt: unknown): receipt is string {
  return typeof receipt === 'string' && receipt.length <= receiptCharactersMax && /^[^\p{Cc}\p{Cs}]+$/u.test(receipt);
}

export const receiptCharactersMax = 100;
export const detailCharactersMax = 300;
