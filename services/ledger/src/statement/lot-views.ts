import { lastChoiceDayOf, type Programme } from '../rules/programme.js';
import type { Balance } from './balance.js';
import type { LotView } from './balance-views.js';

export function lotViews(programme: Programme, lots: Balance['lots']): LotView[] {
  return lots.map(({ ruleVersion, ...lot }) => {
    const lastChoiceDay = lastChoiceDayOf(programme, { grantedAt: lot.grantedAt, ruleVersion });
    return { ...lot, ...(lastChoiceDay && { lastChoiceDay }) };
  });
}
