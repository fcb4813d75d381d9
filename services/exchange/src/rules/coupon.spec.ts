import { parseInstant } from '@points/kernel';
import { canonicalCode, decideRedemption, type CouponFacts } from './coupon.js';

const at = parseInstant('2026-11-24T12:00:00+09:00');
const [hanako, taro] = ['hanako', 'taro'];
const good: CouponFacts = { expiresAt: parseInstant('2026-12-01T00:00:00+09:00'), isVoided: false };

describe('a code', () => {
  it.each<[string, CouponFacts | undefined, unknown]>([
    ['is redeemed', good, { ok: true, value: 'new' }],
    ['is answered again to whoever redeemed it', { ...good, redeemedBy: hanako }, { ok: true, value: 'again' }],
    ['also when it is over or withdrawn meanwhile', { redeemedBy: hanako, isVoided: true, expiresAt: at }, { ok: true, value: 'again' }],
    ['is not there', undefined, { refusal: { code: 'code-unknown' } }],
    ['belongs to somebody else', { ...good, isVoided: true, redeemedBy: taro }, { refusal: { code: 'code-used' } }],
    ['was withdrawn', { isVoided: true, expiresAt: at }, { refusal: { code: 'code-void' } }],
    ['is over at its instant', { ...good, expiresAt: at }, { refusal: { code: 'code-expired', facts: { expiredAt: at } } }],
    [
      'is good until the millisecond before',
      { ...good, expiresAt: parseInstant('2026-11-24T12:00:00.001+09:00') },
      { ok: true, value: 'new' },
    ],
  ])('%s', (_, coupon, decision) => {
    expect(decideRedemption(coupon, { holder: hanako, at })).toMatchObject(decision as object);
  });

  it.each([
    ['abcd-efgh-1234', 'ABCDEFGH1234'],
    [' ABCD EFGH 1234\n', 'ABCDEFGH1234'],
    ['ＡＢＣＤ－ｅｆｇｈ－１２３４', 'ABCDEFGH1234'],
    ['ABCD‐EFGH—1234', 'ABCDEFGH1234'],
    ['ABCDEFGH123', undefined],
    ['A'.repeat(33), undefined],
    ['ABCDEFGH123ア', undefined],
    ['', undefined],
  ])('typed as %j is %s', (typed, code) => {
    expect(canonicalCode(typed)).toBe(code);
  });
});
