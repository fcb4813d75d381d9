import { points } from '@points/kernel';
import { decideSale, type Offer } from './sale.js';

const offer: Offer = { status: 'on-sale', prices: { '141305-trial': points(500) }, stock: 10, taken: 7 };
const wish = { programme: '141305-trial', quantity: 3 };

describe('decideSale', () => {
  it.each<[string, Offer | undefined, typeof wish, string | number]>([
    ['what is left', offer, wish, 1500],
    ['one more than is left', offer, { ...wish, quantity: 4 }, 'out-of-stock'],
    ['any number of a product without limit', { ...offer, stock: null }, { ...wish, quantity: 100 }, 50_000],
    ['a product that is sold out', { ...offer, taken: 10 }, { ...wish, quantity: 1 }, 'out-of-stock'],
    ['a product nobody knows', undefined, wish, 'unknown-product'],
    ['a withdrawn product, even when sold out', { ...offer, status: 'withdrawn', taken: 10 }, wish, 'product-withdrawn'],
    ['a product priced in another programme', offer, { ...wish, programme: '141305-other' }, 'not-sold-for-programme'],
    ['a programme named like a property of every object', offer, { ...wish, programme: 'constructor' }, 'not-sold-for-programme'],
  ])('answers for %s', (_, given, wanted, expected) => {
    const result = decideSale(given, wanted);

    expect(result.ok ? result.value : result.refusal.code).toBe(expected);
  });
});
