import type { Tx } from '@points/database';
import { problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { ScreeningAction, ScreeningMeasure, ScreeningRule, ScreeningSubject } from '../rules/screening.js';
import { rulesMax, type PutScreeningRule, type ScreeningRuleView } from './screening-shapes.js';

interface RuleKey {
  readonly municipality: string;
  readonly programme: string;
  readonly rule: string;
}

/** Another content becomes a new version that holds at once; an equal one changes nothing. */
export async function putRule(
  tx: Tx,
  key: RuleKey,
  body: PutScreeningRule,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<ScreeningRuleView> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`screening ${key.programme}`]);
  const known = await listRules(tx, key.programme);
  const before = known.find((one) => one.rule === key.rule);
  if (!before && known.length >= rulesMax)
    throw problem(422, 'too-many-rules', `a programme has at most ${rulesMax} rules; change one that is no longer used`);
  const { measure, by, windowMinutes, limit, action, isActive = true } = body;
  const partners = [...(body.partners ?? [])].sort();
  const wanted = { measure, by, windowMinutes, limit, action, partners, isActive };
  if (before && isSame(before, wanted)) return before;
  await tx.write(insertRule, [
    ...[key.municipality, key.programme, key.rule, (before?.version ?? 0) + 1, measure, by, windowMinutes, limit, action, partners],
    ...[isActive, client, now],
  ]);
  return { rule: key.rule, version: (before?.version ?? 0) + 1, ...wanted, madeBy: client, madeAt: now };
}

/** The newest version of each, inactive ones too. */
export async function listRules(tx: Tx, programme: string): Promise<ScreeningRuleView[]> {
  const rows = await tx.query<RuleRow>(`${selectRules} order by rule, version desc`, [[programme]]);
  return rows.map((row) => ({
    ...ruleOf(row),
    partners: row.partners,
    version: row.version,
    isActive: row.is_active,
    madeBy: row.made_by,
    madeAt: instantOf(row.made_at),
  }));
}

/** Of each programme the rules that are active now. */
export async function activeRules(tx: Tx, programmes: readonly string[]): Promise<Map<string, ScreeningRule[]>> {
  const rows = await tx.query<RuleRow>(selectActive, [programmes]);
  const rules = new Map<string, ScreeningRule[]>();
  for (const row of rows) rules.set(row.programme, [...(rules.get(row.programme) ?? []), ruleOf(row)]);
  return rules;
}

interface RuleRow {
  readonly programme: string;
  readonly rule: string;
  readonly version: number;
  readonly measure: ScreeningMeasure;
  readonly by: ScreeningSubject;
  readonly window_minutes: number;
  readonly limit_value: string;
  readonly action: ScreeningAction;
  readonly partners: string[];
  readonly is_active: boolean;
  readonly made_by: string;
  readonly made_at: Date;
}

function ruleOf({ rule, measure, by, window_minutes: windowMinutes, limit_value: limit, action, partners }: RuleRow): ScreeningRule {
  // The shape bounds a limit far below what a number holds.
  return { rule, measure, by, windowMinutes, limit: Number(limit), action, partners };
}

type Content = Omit<ScreeningRuleView, 'rule' | 'version' | 'madeBy' | 'madeAt'>;

function isSame(before: Content, wanted: Content): boolean {
  const textOf = ({ measure, by, windowMinutes, limit, action, partners, isActive }: Content) =>
    JSON.stringify([measure, by, windowMinutes, limit, action, partners, isActive]);
  return textOf(before) === textOf(wanted);
}

const selectRules = `
  select distinct on (rule) programme, rule, version, measure, by, window_minutes, limit_value, action, partners, is_active, made_by, made_at
  from screening_rule where programme = any ($1)`;

const selectActive = {
  name: 'active_screening_rules',
  text: `
    select * from (
      select distinct on (programme, rule) programme, rule, version, measure, by, window_minutes, limit_value, action, partners, is_active,
             made_by, made_at
      from screening_rule where programme = any ($1) order by programme, rule, version desc
    ) newest where is_active order by programme, rule`,
};

const insertRule = `
  insert into screening_rule (tenant, programme, rule, version, measure, by, window_minutes, limit_value, action, partners, is_active, made_by, made_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;
