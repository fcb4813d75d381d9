import fc from 'fast-check';
import { checkDigitOf, registrationNumberTrouble } from './registration-number.js';

describe('a registration number', () => {
  it.each(['7123456789012', '4011001098993', '2120901007402', '7000020141305', '7000020092011', '5000020232262', '7000020432067'])(
    'T%s is a corporation’s',
    (number) => {
      expect(registrationNumberTrouble(`T${number}`, 'corporation')).toBeUndefined();
    },
  );

  it.each(['T712345678901', 'T71234567890123', '7123456789012', 't7123456789012', 'T712345678901a', ''])('is not %j', (text) => {
    expect(registrationNumberTrouble(text, 'corporation')).toBe('must be T and 13 digits');
    expect(registrationNumberTrouble(text, 'sole-trader')).toBe('must be T and 13 digits');
  });

  it('of a corporation tells a wrong check digit; that of a sole trader promises none', () => {
    expect(registrationNumberTrouble('T6123456789012', 'corporation')).toBe(
      'has a wrong check digit: 6 should be 7, or another digit is wrong',
    );
    expect(registrationNumberTrouble('T6123456789012', 'sole-trader')).toBeUndefined();
  });

  it('of a corporation shows any one wrong digit but 0 for 9', () => {
    const base = fc.stringMatching(/^\d{12}$/);
    fc.assert(
      fc.property(base, fc.integer({ min: 0, max: 11 }), fc.integer({ min: 0, max: 9 }), (right, at, digit) => {
        fc.pre((Number(right[at]) - digit) % 9 !== 0);
        const wrong = `${right.slice(0, at)}${digit}${right.slice(at + 1)}`;
        expect(registrationNumberTrouble(`T${checkDigitOf(right)}${wrong}`, 'corporation')).toBeDefined();
      }),
    );
  });
});
