import { eventually } from './index.js';

describe('eventually', () => {
  it('asks again while the check throws or answers false', async () => {
    let asked = 0;

    const answer = await eventually(
      () => {
        if (++asked === 1) throw new Error('not there');
        return asked === 2 ? false : asked;
      },
      { everyMs: 1 },
    );

    expect(answer).toBe(3);
  });

  it('fails with the last reason when the time is over', async () => {
    await expect(eventually(() => Promise.reject(new Error('still not there')), { timeoutMs: 10, everyMs: 1 })).rejects.toThrow(
      'still not there',
    );
  });
});
