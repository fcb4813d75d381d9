import { isLocalDate, jstDateOf, parseInstant, type LocalDate } from '@points/kernel';

/** Undefined when it is none. */
export function wholePoints(text: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

/** Of Tokyo; undefined when it is neither a day nor a time. */
export function dayOf(text: string): LocalDate | undefined {
  if (isLocalDate(text)) return text;
  try {
    return jstDateOf(parseInstant(text));
  } catch {
    return undefined;
  }
}
