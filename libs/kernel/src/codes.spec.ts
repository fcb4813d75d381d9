import { isMunicipalityCode, isProgrammeId, programmeId, tenantOf } from './codes.js';
import { isUuid, uuidv7 } from './ids.js';

describe('a municipality code', () => {
  it.each([['141305'], ['222160'], ['212148'], ['092011'], ['141500'], ['232262'], ['432067']])('%s keeps its check digit', (code) => {
    expect(isMunicipalityCode(code)).toBe(true);
  });

  it.each([['141304'], ['14130'], ['1413055'], ['abcdef'], ['']])('%p is refused', (code) => {
    expect(isMunicipalityCode(code)).toBe(false);
  });
});

describe('a programme id', () => {
  it('names its tenant', () => {
    expect(tenantOf(programmeId('141305-trial'))).toBe('141305');
  });

  it.each([['141305'], ['141305-'], ['141306-trial'], ['141305-Trial'], ['141305-a b']])('%p is refused', (id) => {
    expect(isProgrammeId(id)).toBe(false);
  });
});

describe('ids', () => {
  it('sort in the order they were made, also within one millisecond and when the clock steps back', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const ids = [...Array.from({ length: 10_000 }, () => uuidv7(now)), ...Array.from({ length: 10 }, () => uuidv7(now - 5_000))];

    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isUuid)).toBe(true);
  });
});
