import fc from 'fast-check';
import { postingRequestedV1 } from '@points/contracts';
import {
  bonusReference,
  conversionReference,
  orderReference,
  readReference,
  reversalReference,
  reversalsPerOrderMax,
  stepReference,
} from './reference.js';

const programme = '141305-trial';
const pattern = /^[a-z]+:[\x21-\x7e]+$/;
const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 });

it('is readable where the ids are', () => {
  expect(orderReference({ programme, partner: 'card-a', orderId: 'KWS-0003' })).toBe('exchange:order:141305-trial:card-a:KWS-0003');
  expect(conversionReference({ programme, conversionId: 'BRE-0001' })).toBe('exchange:conversion:141305-trial:BRE-0001');
});

it('keeps the contract’s form whatever the ids are', () => {
  fc.assert(
    fc.property(id, id, (partner, orderId) => {
      const reference = orderReference({ programme, partner, orderId });
      const step = stepReference(conversionReference({ programme, conversionId: orderId }), 'release', 9999);
      const reversal = reversalReference(reference, 'bonus', reversalsPerOrderMax - 1);
      return [reference, step, reversal].every((text) => text.length <= 200 && pattern.test(text));
    }),
  );
});

it('differs when the ids differ, with colons and percent signs in them too', () => {
  const parts = fc.string({ unit: fc.constantFrom('a', ':', '%', '3', 'A', '~', 'ブ'), minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(parts, parts, parts, parts, (p1, o1, p2, o2) => {
      fc.pre(p1 !== p2 || o1 !== o2);
      return orderReference({ programme, partner: p1, orderId: o1 }) !== orderReference({ programme, partner: p2, orderId: o2 });
    }),
  );
});

it('gives a hash form that no id written out can take', () => {
  const hashed = conversionReference({ programme, conversionId: 'ブ'.repeat(64) });
  const imitated = conversionReference({ programme, conversionId: hashed.slice('exchange:conversion:141305-trial:'.length) });

  expect(imitated).not.toBe(hashed);
});

it('is read back with its step', () => {
  const stem = conversionReference({ programme, conversionId: 'a:hold' });

  expect(readReference(stepReference(stem, 'capture'))).toEqual({ of: 'conversion', reference: stem, step: 'capture', askedAgain: 0 });
  expect(readReference(stepReference(stem, 'release', 12))).toEqual({ of: 'conversion', reference: stem, step: 'release', askedAgain: 12 });
  expect(() => readReference('exchange:order:141305-trial:card-a:x:hold')).toThrow('none of this service');
  expect(() => readReference('settlement:payment:1')).toThrow('none of this service');
});

it('of an order, of its bonus and of their reversals is told apart, also where the ids are named by a hash', () => {
  fc.assert(
    fc.property(id, id, (partner, orderId) => {
      const order = orderReference({ programme, partner, orderId });
      expect(readReference(order)).toEqual({ of: 'order', reference: order });
      expect(readReference(bonusReference(order))).toEqual({ of: 'bonus', reference: order });
      for (const part of ['order', 'bonus'] as const)
        for (const askedAgain of [0, 7, reversalsPerOrderMax - 1])
          expect(readReference(reversalReference(order, part, askedAgain))).toEqual({ of: 'reversal', reference: order, part, askedAgain });
    }),
  );
});

it('passes the contract', () => {
  const reference = orderReference({ programme, partner: 'カード', orderId: '注文 1' });

  expect(() =>
    postingRequestedV1.check({
      reference,
      municipality: '141305',
      programme,
      account: 'holder:01890a5d-ac96-774b-bcce-b302099a8057',
      instruction: { kind: 'issue', amount: 1, source: 'partner:カード', funding: 'paid' },
      cause: { actor: 'card-a' },
    }),
  ).not.toThrow();
});
