import type { CloudClient } from '../cloud/cloud-client.js';
import { describeProblem, expectSuccess, fieldProblems } from '../cloud/cloud-client.js';
import { CloudError } from '../cloud/cloud-error.js';
import type { Cloud } from '../cloud/find-cloud.js';
import { isRecord } from '../trial/json-document.js';
import type { BadRow } from '../trial/bad-row.js';
import { files, type Trial, type TrialPartner, type TrialProgramme } from '../trial/trial.js';

export function programmePath({ municipality, id }: TrialProgramme): string {
  return `/v1/municipalities/${municipality}/programmes/${id}`;
}

/**
 * Sets the programme, its card scheme and its partners up as the folder says. A partner that the cloud does not take is a bad row of
 * partners.csv; a programme that it does not take ends the replay. Answers the partners that stand.
 */
export async function setUpTrial(
  client: CloudClient,
  cloud: Cloud,
  trial: Trial,
): Promise<{ partners: ReadonlySet<string>; badRows: readonly BadRow[] }> {
  const { programme } = trial;
  await setUpProgramme(client, programme);
  const scheme = { name: programme.scheme, endpoint: cloud.addresses.cardScheme };
  expectSuccess(
    await client.put('exchange', `${programmePath(programme)}/schemes/${encodeURIComponent(programme.scheme)}`, scheme),
    `The card scheme ${programme.scheme}`,
  );

  const partners = new Set<string>();
  const badRows: BadRow[] = [];
  for (const partner of trial.partners) {
    const bad = await setUpPartner(client, programme, partner);
    if (bad) badRows.push(bad);
    else partners.add(partner.partner);
  }
  return { partners, badRows };
}

/** One that exists must be this trial's: a replay must not rename another programme, nor mix its rows with the rows of another. */
async function setUpProgramme(client: CloudClient, programme: TrialProgramme): Promise<void> {
  const { id, name, firstDay, lastDay, validityDays, scheme } = programme;
  const wayOut = 'Replay into another programme with --programme, or into a throwaway cloud with --fresh.';
  const known = await client.get('ledger', programmePath(programme));
  const differs =
    known.status === 200 ? Object.entries({ name, firstDay, lastDay }).filter(([field, value]) => known.body[field] !== value) : [];
  if (differs.length)
    throw new CloudError(`The cloud has a programme ${id} with another ${differs.map(([field]) => field).join(', ')}. ${wayOut}`);
  const rules = { expiry: { kind: 'days-after-grant', days: validityDays }, usableAt: [`scheme:${scheme}`] };
  const reply = await client.put('ledger', programmePath(programme), { name, firstDay, lastDay, historyOpen: true, rules });
  if (reply.status === 409) throw new CloudError(`The cloud has a programme ${id} with other rules: ${describeProblem(reply)}. ${wayOut}`);
  expectSuccess(reply, `The programme ${id}`);
}

async function setUpPartner(
  client: CloudClient,
  programme: TrialProgramme,
  { line, partner, rate, lotPartnerPoints }: TrialPartner,
): Promise<BadRow | undefined> {
  const path = `${programmePath(programme)}/partners/${encodeURIComponent(partner)}`;
  const bad = (field: string, reason: string): BadRow => ({ file: files.partner.file, line, field, reason });

  const known = await client.get('exchange', path);
  const knownRate = known.status === 200 && isRecord(known.body['rate']) ? known.body['rate'] : undefined;
  // A new rate would hold from now on, and the rows of a trial are of the past: they would be booked at the old one.
  if (knownRate && Number(knownRate['numerator']) * rate.denominator !== rate.numerator * Number(knownRate['denominator']))
    return bad(
      'rate_numerator',
      `${rate.numerator}/${rate.denominator} is not the rate ${String(knownRate['numerator'])}/${String(knownRate['denominator'])} at which this cloud has booked ${programme.id}: replay into another programme with --programme, or with --fresh`,
    );
  // The same terms are left alone, with the partner's real name and its clients.
  if (knownRate && known.body['lotPartnerPoints'] === lotPartnerPoints) return undefined;
  const reply = await client.put('exchange', path, { name: partner, rate, lotPartnerPoints });
  if (reply.status < 300) return undefined;
  const [field] = fieldProblems(reply.body);
  if (![400, 409, 422].includes(reply.status)) throw new CloudError(`The partner ${partner} was refused: ${describeProblem(reply)}`);
  return bad(columnOf(field?.field ?? 'partner'), describeProblem(reply));
}

function columnOf(field: string): string {
  const columns: Readonly<Record<string, string>> = {
    'rate.numerator': 'rate_numerator',
    'rate.denominator': 'rate_denominator',
    lotPartnerPoints: 'lot_partner_points',
  };
  return columns[field] ?? 'partner';
}
