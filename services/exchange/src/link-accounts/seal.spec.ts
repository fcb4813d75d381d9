import { parseSealKeys, Seal, type SealKeys } from './seal.js';

const [first, second] = ['A'.repeat(43), 'B'.repeat(43)];
const keys = (text: string): SealKeys => {
  const parsed = parseSealKeys(text);
  if (!parsed) throw new Error('wrong keys');
  return parsed;
};

it('opens what it closed, and closes the same text differently each time', () => {
  const seal = new Seal(keys(`k1:${first}`));

  const sealed = ['a token', 'a token', '', '鍵'].map((text) => seal.close(text, 'row 1'));

  expect(sealed.map((one) => seal.open(one, 'row 1'))).toEqual(['a token', 'a token', '', '鍵']);
  expect(new Set(sealed).size).toBe(4);
});

it('opens what an older key has closed, and closes with the first one', () => {
  const old = new Seal(keys(`k1:${first}`)).close('a token', 'row 1');
  const seal = new Seal(keys(`k2:${second}, k1:${first}`));

  expect(seal.open(old, 'row 1')).toBe('a token');
  expect(seal.close('a token', 'row 1')).toMatch(/^k2\./);
  expect(() => new Seal(keys(`k2:${second}`)).open(old, 'row 1')).toThrow('the key k1, which is not among LINK_KEYS');
});

it('does not open what was moved to another row, changed, or closed under another key', () => {
  const seal = new Seal(keys(`k1:${first}`));
  const sealed = seal.close('a token', 'row 1');

  expect(() => seal.open(sealed, 'row 2')).toThrow();
  // Not the last character: some of its bits may stand for nothing.
  const changed = `${sealed.slice(0, -5)}${sealed.at(-5) === 'A' ? 'B' : 'A'}${sealed.slice(-4)}`;
  expect(() => seal.open(changed, 'row 1')).toThrow();
  expect(() => new Seal(keys(`k1:${second}`)).open(sealed, 'row 1')).toThrow();
});

it.each(['', 'k1', `k1:${first.slice(1)}`, `k1:${first},`, `k1:${first},k1:${second}`, `k 1:${first}`])('takes no keys from %j', (text) => {
  expect(parseSealKeys(text)).toBeUndefined();
});
