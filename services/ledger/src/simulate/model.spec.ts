import { expiresAt, parseInstant, type Expiry } from '@points/kernel';
import fc from 'fast-check';
import { dayAfter } from './invent-programme.js';
import { endOf, iso } from './model-time.js';

describe('the model and the ledger, which count days in two ways', () => {
  it('agree on the end of every lot', () => {
    const times = fc.integer({ min: Date.parse('2000-01-01T00:00:00Z'), max: Date.parse('2060-01-01T00:00:00Z') });
    const few = fc.integer({ min: 0, max: 40 });
    const rules: fc.Arbitrary<Expiry> = fc.oneof(
      fc.record({ kind: fc.constant('days-after-grant' as const), days: fc.integer({ min: 0, max: 4000 }) }),
      fc.record({ kind: fc.constantFrom('end-of-month' as const, 'months-after-last-use' as const), months: few }),
      fc.record({ kind: fc.constant('fiscal-year-end' as const), years: few }),
      fc.record({ kind: fc.constant('fixed-day' as const), day: times.map((at) => dayAfter(at, 0)) }),
    );
    fc.assert(
      fc.property(rules, times, fc.constantFrom(0, -1, 1), (rule, time, near) => {
        // Around midnight in Tokyo as often as anywhere.
        const at = near === 0 ? time : Math.floor(time / 86_400_000) * 86_400_000 + 15 * 3_600_000 + near;
        const end = endOf(rule, at);
        expect(expiresAt(rule, parseInstant(iso(at)))).toBe(end === null ? null : iso(end));
      }),
      { numRuns: 2_000 },
    );
  });
});
