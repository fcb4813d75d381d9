import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defects, startPartnerSite, type Defect, type PartnerSite, type PartnerSiteOptions } from '@points/simulators';
import { createConfig, lint } from '@redocly/openapi-core';
import { checks } from './checks.js';
import { runChecks } from './run-checks.js';
import { readSettings } from './settings.js';
import { linkAtSimulator } from './tokens.js';

const running: PartnerSite[] = [];
const folder = mkdtempSync(join(tmpdir(), 'conformance-'));

afterEach(async () => {
  for (const site of running.splice(0)) await site.stop();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function aSite(options: Partial<PartnerSiteOptions> = {}): Promise<PartnerSite> {
  const site = await startPartnerSite({ port: 0, lapseSeconds: 1, ...options });
  running.push(site);
  return site;
}

async function check(site: PartnerSite, ...more: string[]) {
  const settings = await readSettings(['--simulator', site.url, ...more], {}, () => undefined);
  if (!settings) throw new Error('no settings');
  return runChecks(settings.target, settings.checks, settings.only);
}

const failedOf = (report: Awaited<ReturnType<typeof check>>) =>
  report.checks.filter((one) => one.result === 'failed').map((one) => one.name);

it('passes an endpoint that keeps the contract, whose account has lost what was committed and nothing else', async () => {
  const site = await aSite();

  const report = await check(site);

  expect(report.checks.filter((one) => one.result !== 'passed')).toEqual([]);
  const { balances, reservations, differences } = site.books();
  const committed = reservations.filter((one) => one.state === 'committed').reduce((sum, one) => sum + one.points, 0);
  expect(differences).toEqual([]);
  expect(balances.find((one) => one.account === 'conformance')).toMatchObject({ reserved: 0, taken: committed });
});

/** Each broken rule, and exactly the checks that find it. */
const caughtBy: Readonly<Record<Exclude<Defect, 'slow'>, readonly string[]>> = {
  'reserve-again': ['reserve-repeated', 'reserve-other-amount', 'reserve-at-the-same-time'],
  'other-amount': ['reserve-other-amount'],
  'commit-again': ['commit-repeated'],
  'cancel-after-commit': ['cancel-after-commit', 'commit-and-cancel-at-the-same-time'],
  'commit-after-cancel': ['commit-after-cancel'],
  'commit-unknown': ['commit-unknown'],
  'read-unknown': [
    ...['amount-zero', 'amount-negative', 'amount-fraction', 'amount-text', 'amount-null', 'amount-too-large'],
    'read-unknown',
  ],
  'forget-early-cancel': ['cancel-before-reserve'],
  overdraw: ['reserve-all-at-the-same-time', 'insufficient-points', 'refusal-is-final'],
  'any-amount': ['amount-zero', 'amount-negative', 'amount-fraction', 'amount-too-large'],
  'never-lapse': ['lapse', 'commit-after-lapse'],
  'commit-lapsed': ['commit-after-lapse'],
  'forget-refusal': ['refusal-is-final'],
  'racing-duplicates': ['reserve-at-the-same-time'],
  'malformed-crashes': ['malformed-json'],
  'no-authorization': ['token-missing'],
  'any-token': ['token-wrong'],
  'any-scope': ['token-of-the-other-kind'],
};

it.each(Object.entries(caughtBy))('catches the defect %s by the check made for it', async (defect, names) => {
  // Only what is about lapsing waits for it: everything else would take seconds longer for each defect.
  const isOfLapsing = names.includes('commit-after-lapse');
  const site = await aSite({ lapseSeconds: isOfLapsing ? 1 : 600, defects: defects.filter((one) => one === defect) });

  const failed = failedOf(await check(site));

  expect(failed).toEqual([...names]);
});

it('catches an endpoint that is slow', async () => {
  const site = await aSite({ defects: ['slow'] });

  const report = await check(site, '--answer-within', '50', '--only', 'reserve', '--only', 'time-limit');

  expect(failedOf(report)).toEqual(['reserve', 'time-limit']);
});

it('says that a reservation lapses too late to be waited for', async () => {
  const site = await aSite({ lapseSeconds: 600 });

  const report = await check(site, '--only', 'lapse', '--lapse-wait', '1');

  expect(report).toMatchObject({
    passed: 0,
    failed: 0,
    skipped: 1,
    checks: [{ reason: expect.stringContaining('--lapse-wait') as string }],
  });
});

describe('the contract', () => {
  const guides = join(import.meta.dirname, '../../../docs/guides');

  it('names every check', () => {
    const guide = readFileSync(join(guides, 'partner-endpoint.md'), 'utf8');

    expect(checks.map((one) => one.name).filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });

  it('is an OpenAPI 3.1 document that a public linter accepts', async () => {
    const config = await createConfig({ extends: ['spec', 'recommended'], rules: { 'no-server-example.com': 'off' } });

    const found = await lint({ ref: join(guides, 'partner-endpoint.openapi.yaml'), config });

    expect(found.map((one) => `${one.ruleId}: ${one.message}`)).toEqual([]);
  });
});

describe('the command', () => {
  const command = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const main = join(import.meta.dirname, '../dist/main.js');
      execFile(process.execPath, [main, ...args], (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }));
    });

  it('takes its tokens by a config file, keeps the next refresh token there, and writes the result as JSON', async () => {
    const site = await aSite();
    const client = { clientId: 'municipal-points', clientSecret: 'sandbox-secret' };
    const { refreshToken = '' } = await linkAtSimulator(site.url, client, 'conformance');
    const [config, json] = [join(folder, 'partner.json'), join(folder, 'result.json')];
    writeFileSync(config, JSON.stringify({ url: site.endpoint, tokenUrl: `${site.url}/token`, ...client, refreshToken }));

    const args = ['--config', config, '--json', json, '--only', 'reserve', '--only', 'commit'];
    const [first, second] = [await command(...args), await command(...args)];

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).toMatch(/^pass {2}reserve .*\npass {2}commit .*\n\n2 passed, 0 failed, 0 skipped/);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ url: site.endpoint, passed: 2, failed: 0 });
    expect((JSON.parse(readFileSync(config, 'utf8')) as { refreshToken: string }).refreshToken).not.toBe(refreshToken);
  });

  it('ends with 1 when a check failed', async () => {
    const site = await aSite({ defects: ['overdraw'] });

    const { code, stdout } = await command('--simulator', site.url, '--only', 'insufficient-points');

    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}insufficient-points .*\n.*expected 422, code "insufficient-points", but was answered 201/);
  });

  it.each([
    [['--url', 'nowhere'], /--url .* must be the http\(s\) address/],
    [['--url', 'http://127.0.0.1:9'], /the token of a test account is missing/],
    [['--url', 'http://127.0.0.1:9', '--token', 'a', '--client-token', 'b', '--only', 'naps'], /--only naps: there is no such check/],
    [['--config', '/nowhere.json'], /--config \/nowhere.json: cannot be read/],
    [['--simulator', 'http://127.0.0.1:9'], /the simulator at .* did not do redirect-uris: no answer/],
    [['--points', '0'], /--points must be a whole number/],
    [['--colour'], /--colour/],
  ])('ends with 2 and one sentence for %j', async (args, sentence) => {
    const { code, stderr } = await command(...args);

    expect([code, stderr.trim()]).toEqual([2, expect.stringMatching(sentence)]);
  });
});
