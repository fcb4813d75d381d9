import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parseInstant, parsePoints, ratio, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import { budgetCounter, type Bearer, type Campaign } from '../rules/campaign.js';
import { campaignsListedMax, type CampaignState, type CampaignView, type PutCampaign } from './campaign-shapes.js';

export interface CampaignKey {
  readonly municipality: string;
  readonly programme: string;
  readonly campaign: string;
}

interface Actor {
  readonly client: string;
  readonly now: Instant;
}

/** Proposes a campaign; one with this id that waits is replaced by it, and then waits for the approval of another person than now. @throws Problem */
export async function putCampaign(
  tx: Tx,
  key: CampaignKey,
  body: PutCampaign,
  { client, now }: Actor,
): Promise<{ readonly isNew: boolean; readonly campaign: CampaignView }> {
  checkCampaign(body);
  const values = [
    ...[key.municipality, key.programme, key.campaign, body.name, [...(body.partners ?? [])].sort()],
    ...[body.bonusRate?.numerator ?? null, body.bonusRate?.denominator ?? null, body.bonusPoints ?? null],
    ...[parseInstant(body.from), parseInstant(body.to), body.budget, body.perHolder ?? null, body.borneBy, client, now],
  ];
  const isNew = (await tx.write(insertCampaign, values)) === 1;
  if (!isNew) {
    const held = await lockCampaign(tx, key);
    if (!(await isSame(tx, values))) {
      if (held.state !== 'waiting')
        throw problem(409, 'campaign-decided', `the campaign is ${held.state} and cannot be changed; stop it and propose another one`, {
          state: held.state,
        });
      await tx.write(updateCampaign, values);
    }
  }
  return { isNew, campaign: await readCampaign(tx, key) };
}

/** `proposedAt`: of what the second person has read. @throws Problem */
export async function approveCampaign(tx: Tx, key: CampaignKey, proposedAt: Instant, { client, now }: Actor): Promise<CampaignView> {
  const row = await lockCampaign(tx, key);
  if (row.proposed_by === client)
    throw problem(403, 'same-person', 'whoever proposed a campaign cannot approve it', { proposedBy: row.proposed_by });
  if (row.state !== 'waiting') throw problem(409, 'already-decided', `the campaign is ${row.state}`, { state: row.state });
  if (instantOf(row.proposed_at) !== proposedAt)
    throw problem(409, 'campaign-replaced', 'another campaign was proposed under this id since it was read; read it again', {
      proposedAt: instantOf(row.proposed_at),
    });
  await tx.write(`update campaign set state = 'approved', approved_by = $3, approved_at = $4 where programme = $1 and campaign = $2`, [
    key.programme,
    key.campaign,
    client,
    now,
  ]);
  return readCampaign(tx, key);
}

/** For good, and by one person: it can only lower what is paid. Orders that were placed keep their bonus. @throws Problem */
export async function stopCampaign(tx: Tx, key: CampaignKey, { client, now }: Actor): Promise<CampaignView> {
  const row = await lockCampaign(tx, key);
  if (row.state === 'stopped') throw problem(409, 'already-decided', 'the campaign is stopped', { state: row.state });
  await tx.write(`update campaign set state = 'stopped', stopped_by = $3, stopped_at = $4 where programme = $1 and campaign = $2`, [
    key.programme,
    key.campaign,
    client,
    now,
  ]);
  return readCampaign(tx, key);
}

export async function readCampaign(tx: Tx, { programme, campaign }: CampaignKey): Promise<CampaignView> {
  const [row] = await tx.query<CampaignRow>(`${selectCampaigns} and c.campaign = $2`, [programme, campaign]);
  if (!row) throw unknownCampaign();
  return viewOf(row);
}

export async function listCampaigns(tx: Tx, programme: string): Promise<CampaignView[]> {
  const rows = await tx.query<CampaignRow>(`${selectCampaigns} order by c.begins_at desc, c.campaign limit ${campaignsListedMax}`, [
    programme,
  ]);
  return rows.map(viewOf);
}

/** The approved campaigns of programmes that run at some time of a span. */
export async function runningCampaigns(
  tx: Tx,
  programmes: readonly string[],
  span: { readonly first: Instant; readonly last: Instant },
): Promise<Map<string, Campaign[]>> {
  const rows = await tx.query<CampaignRow & { programme: string }>(selectRunning, [programmes, span.first, span.last]);
  const running = new Map<string, Campaign[]>();
  for (const row of rows) running.set(row.programme, [...(running.get(row.programme) ?? []), campaignOf(row)]);
  return running;
}

interface CampaignRow {
  readonly campaign: string;
  readonly name: string;
  readonly partners: string[];
  readonly bonus_numerator: number | null;
  readonly bonus_denominator: number | null;
  readonly bonus_points: string | null;
  readonly begins_at: Date;
  readonly ends_at: Date;
  readonly budget: string;
  readonly per_holder: string | null;
  readonly borne_by: Bearer;
  readonly state: CampaignState;
  readonly used: string;
  readonly proposed_by: string;
  readonly proposed_at: Date;
  readonly approved_by: string | null;
  readonly approved_at: Date | null;
  readonly stopped_by: string | null;
  readonly stopped_at: Date | null;
}

function campaignOf(row: CampaignRow): Campaign {
  return {
    campaign: row.campaign,
    partners: row.partners,
    bonus:
      row.bonus_points === null
        ? // The table has one of the two.
          { kind: 'rate', rate: ratio(row.bonus_numerator ?? 0, row.bonus_denominator ?? 0) }
        : { kind: 'fixed', points: parsePoints(row.bonus_points) },
    from: instantOf(row.begins_at),
    to: instantOf(row.ends_at),
    budget: parsePoints(row.budget),
    ...(row.per_holder !== null && { perHolder: parsePoints(row.per_holder) }),
    borneBy: row.borne_by,
  };
}

function viewOf(row: CampaignRow): CampaignView {
  const { bonus, from, to, budget, perHolder, borneBy, partners } = campaignOf(row);
  return {
    campaign: row.campaign,
    name: row.name,
    partners: [...partners],
    ...(bonus.kind === 'rate'
      ? { bonusRate: { numerator: bonus.rate.numerator, denominator: bonus.rate.denominator } }
      : { bonusPoints: bonus.points }),
    from,
    to,
    budget,
    ...(perHolder !== undefined && { perHolder }),
    borneBy,
    state: row.state,
    used: parsePoints(row.used),
    proposedBy: row.proposed_by,
    proposedAt: instantOf(row.proposed_at),
    ...(row.approved_by !== null && { approvedBy: row.approved_by }),
    ...(row.approved_at && { approvedAt: instantOf(row.approved_at) }),
    ...(row.stopped_by !== null && { stoppedBy: row.stopped_by }),
    ...(row.stopped_at && { stoppedAt: instantOf(row.stopped_at) }),
  };
}

function checkCampaign({ bonusRate, bonusPoints, from, to }: PutCampaign): void {
  const errors = [
    ...((bonusRate === undefined) === (bonusPoints === undefined)
      ? [{ field: 'bonusRate', reason: 'give exactly one of bonusRate and bonusPoints' }]
      : []),
    ...(parseInstant(from) < parseInstant(to) ? [] : [{ field: 'to', reason: 'must lie after from' }]),
  ];
  const [first] = errors;
  if (first) throw problem(422, 'invalid-request', `the body is wrong: ${first.field} ${first.reason}`, { errors });
}

async function lockCampaign(tx: Tx, { programme, campaign }: CampaignKey): Promise<CampaignRow> {
  const [row] = await tx.query<CampaignRow>(`${selectCampaigns} and c.campaign = $2 for update of c`, [programme, campaign]);
  if (!row) throw unknownCampaign();
  return row;
}

async function isSame(tx: Tx, values: readonly unknown[]): Promise<boolean> {
  const [row] = await tx.query<{ same: boolean }>(sameCampaign, values.slice(1, 13));
  return row?.same === true;
}

function unknownCampaign() {
  return problem(404, 'unknown-campaign', 'the programme has no such campaign');
}

const columns = `
  c.programme, c.campaign, c.name, c.partners, c.bonus_numerator, c.bonus_denominator, c.bonus_points, c.begins_at, c.ends_at, c.budget, c.per_holder,
  c.borne_by, c.state, c.proposed_by, c.proposed_at, c.approved_by, c.approved_at, c.stopped_by, c.stopped_at`;

const selectCampaigns = `
  select ${columns},
    coalesce((select used from exchange_counter where programme = c.programme and key = 'campaign:' || c.campaign and period = '${budgetCounter('').period}'), 0) as used
  from campaign c where c.programme = $1`;

const selectRunning = {
  name: 'running_campaigns',
  text: `select ${columns}, 0 as used from campaign c
         where c.programme = any ($1) and c.state = 'approved' and c.begins_at <= $3 and c.ends_at > $2`,
};

const insertCampaign = `
  insert into campaign (tenant, programme, campaign, name, partners, bonus_numerator, bonus_denominator, bonus_points, begins_at, ends_at, budget,
                        per_holder, borne_by, state, proposed_by, proposed_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'waiting', $14, $15)
  on conflict on constraint campaign_pk do nothing`;

const updateCampaign = `
  update campaign set name = $4, partners = $5, bonus_numerator = $6, bonus_denominator = $7, bonus_points = $8, begins_at = $9, ends_at = $10,
                      budget = $11, per_holder = $12, borne_by = $13, proposed_by = $14, proposed_at = $15
  where tenant = $1 and programme = $2 and campaign = $3`;

const sameCampaign = `
  select (name, partners, bonus_numerator, bonus_denominator, bonus_points, begins_at, ends_at, budget, per_holder, borne_by)
    is not distinct from ($3, $4::text[], $5::integer, $6::integer, $7::bigint, $8::timestamptz, $9::timestamptz, $10::bigint, $11::bigint, $12) as same
  from campaign where programme = $1 and campaign = $2`;
