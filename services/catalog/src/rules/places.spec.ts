import { placesOfProduct } from './places.js';

describe('placesOfProduct', () => {
  it('names the municipality’s mail order for what is sent', () => {
    expect(placesOfProduct({ id: 'melon', municipality: '222160', kind: 'mail-order', tags: ['group:farmers'] })).toEqual([
      'product:melon',
      'mailorder:222160',
      'group:farmers',
    ]);
  });

  it('names the facility and its tags for a ticket, each once', () => {
    const facility = { id: 'pool', tags: ['group:sports'] };

    expect(
      placesOfProduct({ id: 'pool-ticket', municipality: '141305', kind: 'facility-ticket', tags: ['facility:pool'], facility }),
    ).toEqual(['product:pool-ticket', 'facility:pool', 'group:sports']);
  });
});
