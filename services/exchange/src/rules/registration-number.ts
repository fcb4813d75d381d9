/**
 * 適格請求書発行事業者の登録番号: T and 13 digits. A corporation's are its 法人番号, whose first digit checks the other twelve:
 * 9 − (Σ Pn·Qn mod 9), Pn the nth digit from the right, Qn 1 for odd n and 2 for even n. A sole trader's are given by the tax office and
 * promise no check digit, so of those the form alone is looked at.
 */
export function registrationNumberTrouble(text: string, kind: PartyKind): string | undefined {
  if (!/^T\d{13}$/.test(text)) return 'must be T and 13 digits';
  if (kind === 'sole-trader') return undefined;
  const [check, base] = [Number(text[1]), text.slice(2)];
  const right = checkDigitOf(base);
  return check === right ? undefined : `has a wrong check digit: ${check} should be ${right}, or another digit is wrong`;
}

export const partyKinds = ['corporation', 'sole-trader'] as const;
/** A municipality is a corporation here: it has a 法人番号. */
export type PartyKind = (typeof partyKinds)[number];

/** @throws RangeError unless the base has twelve digits */
export function checkDigitOf(base: string): number {
  if (!/^\d{12}$/.test(base)) throw new RangeError('the base of a corporate number has twelve digits');
  const sum = [...base].reverse().reduce((before, digit, index) => before + Number(digit) * (index % 2 === 0 ? 1 : 2), 0);
  return 9 - (sum % 9);
}
