import { decideAcceptance, placesOf, type Shop } from './acceptance.js';

const shop: Shop = { id: 'S1', status: 'active', programmes: ['141305-kawasaki'], tags: [], group: 'brekafu' };
const good = { programme: '141305-kawasaki', shop, holder: 'h' };

describe('decideAcceptance', () => {
  it('accepts a known holder at an active shop that takes the programme', () => {
    expect(decideAcceptance(good)).toEqual({ ok: true, value: { shop, holder: 'h' } });
  });

  it.each([
    ['unknown-shop', { ...good, shop: undefined, holder: undefined }],
    ['shop-suspended', { ...good, shop: { ...shop, status: 'suspended', programmes: [] }, holder: undefined }],
    ['programme-not-taken', { ...good, shop: { ...shop, programmes: ['141305-other'] }, holder: undefined }],
    ['unknown-my-key-id', { ...good, holder: undefined }],
  ] as const)('refuses with %s, the first that applies', (code, asked) => {
    expect(decideAcceptance(asked)).toMatchObject({ ok: false, refusal: { code } });
  });
});

describe('placesOf', () => {
  it('names the shop, its group and its own tags, each once', () => {
    expect(placesOf({ ...shop, tags: ['facility:pool', 'shop:S1'] })).toEqual(['shop:S1', 'group:brekafu', 'facility:pool']);
  });
});
