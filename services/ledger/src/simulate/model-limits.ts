import type { AnyInstruction } from '../rules/instruction.js';
import type { Limit } from '../rules/limits.js';
import type { Rules } from '../rules/programme.js';
import { type Books, type ModelAccount, type ModelOutcome, type ModelProgramme, refused, type Tallies } from './model-books.js';
import { dayMs, dayText, tokyoMs } from './model-time.js';

/**
 * Whether a budget could run out among grants of so many points: then it matters which comes first. Periods that no grant of the
 * last weeks can mean do not count.
 */
export function isShort(programme: ModelProgramme, asked: number, now: number): boolean {
  const since = dayText(now - 25 * dayMs);
  const versions = programme.versions.filter((_, index) => (programme.versions[index + 1]?.validFrom ?? '9999') > since);
  return versions.some(({ rules }) =>
    (rules.limits ?? []).some((limit) => {
      if (limit.kind !== 'budget') return false;
      const used = Object.entries(programme.budgets).flatMap(([name, { points }]) => {
        const [of = '', period = ''] = name.split(' ');
        return of === nameOf(limit) && period >= since.slice(0, period.length) ? [points] : [];
      });
      return [0, ...used].some((points) => points < limit.points && points + asked > limit.points);
    }),
  );
}

/** The first limit that would be passed: sums of grants and balances before uses, each in the order of the rules. */
export function passed(
  books: Books,
  programme: ModelProgramme,
  rules: Rules,
  own: ModelAccount,
  wish: AnyInstruction & { amount: number },
  balance: number,
  at: number,
): ModelOutcome | undefined {
  const limits = (rules.limits ?? []).filter((limit) => isMeant(limit, wish));
  for (const limit of limits) {
    if (limit.kind === 'uses' || (limit.kind === 'budget' && books.mistake === 'overdraws-budgets')) continue;
    const used = limit.kind === 'balance' ? balance : tallyOf(programme, own, limit, at).points;
    const cap = limit.kind === 'balance' ? 'balance' : nameOf(limit);
    if (used + wish.amount > limit.points) return refused('cap-exceeded', { cap, limit: limit.points, used, asked: wish.amount });
  }
  for (const limit of limits) {
    if (limit.kind !== 'uses') continue;
    const { times, points } = tallyOf(programme, own, limit, at);
    const cap = nameOf(limit);
    if (limit.times !== undefined && times + 1 > limit.times)
      return refused('velocity-exceeded', { cap: `${cap}/times`, limit: limit.times, used: times, asked: 1 });
    if (limit.points !== undefined && points + wish.amount > limit.points)
      return refused('velocity-exceeded', { cap: `${cap}/points`, limit: limit.points, used: points, asked: wish.amount });
  }
  return undefined;
}

export function tally(
  programme: ModelProgramme,
  rules: Rules,
  own: ModelAccount,
  wish: AnyInstruction & { amount: number },
  at: number,
): void {
  for (const limit of rules.limits ?? []) {
    if (limit.kind === 'balance' || !isMeant(limit, wish)) continue;
    const { times, points } = tallyOf(programme, own, limit, at);
    talliesOf(programme, own, limit)[`${nameOf(limit)} ${periodOf(limit, at)}`] = { times: times + 1, points: points + wish.amount };
  }
}

function talliesOf(programme: ModelProgramme, own: ModelAccount, limit: Limit): Tallies {
  return limit.kind === 'budget' ? programme.budgets : own.tallies;
}

function tallyOf(programme: ModelProgramme, own: ModelAccount, limit: Limit, at: number): { times: number; points: number } {
  return talliesOf(programme, own, limit)[`${nameOf(limit)} ${periodOf(limit, at)}`] ?? { times: 0, points: 0 };
}

function nameOf(limit: Limit): string {
  if (limit.kind === 'balance') return limit.kind;
  return [limit.kind, limit.per, ...('source' in limit && limit.source !== undefined ? [limit.source] : [])].join('/');
}

function isMeant(limit: Limit, wish: AnyInstruction): boolean {
  if (limit.kind === 'uses') return ['hold', 'spend', 'convert', 'donate', 'transfer'].includes(wish.kind);
  if (limit.kind === 'balance') return wish.kind === 'issue' || wish.kind === 'transfer';
  if (wish.kind !== 'issue') return false;
  const { source = '*' } = limit;
  return source.endsWith('*') ? wish.source.startsWith(source.slice(0, -1)) : wish.source === source;
}

/** A period of Tokyo's calendar, by its beginning. */
function periodOf(limit: Limit, at: number): string {
  const per = limit.kind === 'balance' ? 'lifetime' : limit.per;
  const local = new Date(at + tokyoMs).toISOString();
  switch (per) {
    case 'minute':
      return local.slice(0, 16);
    case 'hour':
      return local.slice(0, 13);
    case 'day':
      return local.slice(0, 10);
    case 'month':
      return local.slice(0, 7);
    case 'fiscal-year':
      return `from April ${Number(local.slice(0, 4)) - (local.slice(5, 7) < '04' ? 1 : 0)}`;
    case 'lifetime':
      return '';
  }
}
