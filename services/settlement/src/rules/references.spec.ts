import { paymentOfReference, referenceText, type Reference } from './references.js';

const payment = '0193579b-0000-7000-8000-000000000001';

describe('references', () => {
  it.each<[Reference, string]>([
    [{ kind: 'opening', payment }, `settlement:payment:${payment}`],
    [{ kind: 'capture', payment, n: 2 }, `settlement:payment:${payment}:capture:2`],
    [{ kind: 'refund', payment, refund: 'r' }, `settlement:payment:${payment}:refund:r`],
    [{ kind: 'release', payment, n: 1 }, `settlement:payment:${payment}:release`],
    [{ kind: 'release', payment, n: 2 }, `settlement:payment:${payment}:release:2`],
  ])('write %j and read the payment back', (reference, text) => {
    expect(referenceText(reference)).toBe(text);
    expect(paymentOfReference(text)).toEqual({ payment, isOpening: reference.kind === 'opening' });
  });

  it.each(['exchange:order:1', 'settlement:payment:1', `x settlement:payment:${payment}`])('of others are not read: %s', (text) => {
    expect(paymentOfReference(text)).toBeUndefined();
  });
});
