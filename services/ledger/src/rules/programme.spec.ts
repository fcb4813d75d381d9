import { parseInstant, type LocalDate } from '@points/kernel';
import { aProgramme, someRules } from '../testing/decision-builders.js';
import { lastChoiceDayOf, rulesAt, rulesOfVersion } from './programme.js';

const versions = ['2018-04-01', '2018-06-01', '2018-08-01'].map((validFrom, index) => ({
  version: index + 1,
  validFrom: validFrom as LocalDate,
  rules: someRules,
}));
const programme = aProgramme({ versions });
const bare = aProgramme({ versions: [] });

describe('the rules of a programme', () => {
  it.each([
    ['2018-03-31T14:59:59.999Z', 1],
    ['2018-03-31T15:00:00.000Z', 1],
    ['2018-05-31T14:59:59.999Z', 1],
    ['2018-05-31T15:00:00.000Z', 2],
    ['2018-07-31T15:00:00.000Z', 3],
    ['2030-01-01T00:00:00.000Z', 3],
  ])('change at midnight in Tokyo, and the first hold before their day too: at %s version %i', (at, version) => {
    expect(rulesAt(programme, parseInstant(at)).version).toBe(version);
  });

  it('are found by the version that a lot keeps', () => {
    expect(versions.map(({ version }) => rulesOfVersion(programme, version))).toEqual(versions);
  });

  it('say of a lot that was granted to a reserve through which day its holder may choose, and of others nothing', () => {
    const since = aProgramme({
      versions: versions.map((one) => (one.version === 2 ? { ...one, rules: { ...someRules, reserve: true as const } } : one)),
    });
    const days = ['2018-06-30T14:59:59.999Z', '2018-06-30T15:00:00.000Z'].map((at) =>
      lastChoiceDayOf(since, { grantedAt: parseInstant(at), ruleVersion: 2 }),
    );

    expect(days).toEqual(['2018-07-14', '2018-07-15']);
    expect(lastChoiceDayOf(since, { grantedAt: parseInstant('2018-06-30T15:00:00Z'), ruleVersion: 3 })).toBeUndefined();
  });

  it('are never guessed where there are none', () => {
    expect(() => rulesAt(bare, parseInstant('2018-06-01T00:00:00Z'))).toThrow('assertion failed: programme 141305-trial has no rules');
    expect(() => rulesOfVersion(programme, 4)).toThrow('assertion failed: programme 141305-trial has no rule version 4');
  });
});
