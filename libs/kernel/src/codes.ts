/** 全国地方公共団体コード, six digits with its check digit; text because of leading zeros. It is the tenant everywhere. */
export type MunicipalityCode = string & { readonly __municipality: true };
/** `<municipality code>-<slug>`: a municipality may have several programmes, and the id always names its tenant. */
export type ProgrammeId = string & { readonly __programme: true };

/** JIS X 0401 (2) + JIS X 0402 (3) + check digit: the last digit of 11 − (6a+5b+4c+3d+2e) mod 11. */
export function isMunicipalityCode(text: string): text is MunicipalityCode {
  if (!/^\d{6}$/.test(text)) return false;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, check = 0] = Array.from(text, Number);
  return (11 - ((6 * a + 5 * b + 4 * c + 3 * d + 2 * e) % 11)) % 10 === check;
}

/** @throws RangeError when the check digit does not fit. */
export function municipalityCode(text: string): MunicipalityCode {
  if (!isMunicipalityCode(text)) throw new RangeError('a municipality code has six digits, the last a check digit');
  return text;
}

export function isProgrammeId(text: string): text is ProgrammeId {
  return /^\d{6}-[a-z0-9][a-z0-9-]{0,39}$/.test(text) && isMunicipalityCode(text.slice(0, 6));
}

/** @throws RangeError */
export function programmeId(text: string): ProgrammeId {
  if (!isProgrammeId(text)) throw new RangeError('a programme id is a municipality code, a hyphen and up to 40 of a–z, 0–9 and hyphen');
  return text;
}

export function tenantOf(programme: ProgrammeId): MunicipalityCode {
  // isProgrammeId checked these six digits.
  return programme.slice(0, 6) as MunicipalityCode;
}

/** マイキーID: eight letters or digits. Which letters are left out is not published; the portal's own check is stricter. */
export function isMyKeyId(text: string): boolean {
  return /^[0-9A-Za-z]{8}$/.test(text);
}
