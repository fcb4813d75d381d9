import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checks, type CheckSettings } from './checks.js';
import type { Target } from './partner.js';
import { askForToken, linkAtSimulator } from './tokens.js';

export interface Settings {
  readonly target: Target;
  readonly checks: CheckSettings;
  readonly only: readonly string[];
  readonly jsonFile?: string;
  /** A check that could not be tried counts as failed. */
  readonly isStrict: boolean;
}

export const help = `conformance: checks a partner's endpoint for reservations against docs/guides/partner-endpoint.md

  --url URL             the endpoint, to which /reservations/… and /account are added
  --config FILE         JSON with url and any of: accountToken, clientToken, tokenUrl, clientId, clientSecret, refreshToken, points,
                        lapseWaitSeconds, answerWithinMs. A refresh token that was used is replaced in the file by its successor
  --token TEXT          access token of a linked test account (or CONFORMANCE_TOKEN)
  --client-token TEXT   access token of the points service's client (or CONFORMANCE_CLIENT_TOKEN)
  --simulator URL       instead: the partner site simulator; links its member "conformance" by itself
  --sandbox             instead: the sandbox partner of the cloud that runs here (CLOUD_HOME, else .local)
  --points N            points of an ordinary reservation, 10 unless told
  --lapse-wait N        seconds that a reservation is waited for to lapse, 120 unless told
  --answer-within N     milliseconds, 10000 unless told
  --only NAME           runs this check; may be given several times
  --json FILE           writes the result as JSON
  --strict              what could not be tried counts as failed
  --list                names the checks

Ends with 0 when every check passed, 1 when one failed, 2 when the checks could not be run.
`;

const numberKeys = ['points', 'lapseWaitSeconds', 'answerWithinMs'] as const;
const textKeys = ['url', 'accountToken', 'clientToken', 'tokenUrl', 'clientId', 'clientSecret', 'refreshToken'] as const;
type Config = Partial<Record<(typeof textKeys)[number], string> & Record<(typeof numberKeys)[number], number>>;

/** Undefined: help or the list was asked for and given. @throws Error with one sentence */
export async function readSettings(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  say: (text: string) => void,
): Promise<Settings | undefined> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      url: { type: 'string' },
      config: { type: 'string' },
      token: { type: 'string' },
      'client-token': { type: 'string' },
      simulator: { type: 'string' },
      sandbox: { type: 'boolean', default: false },
      points: { type: 'string' },
      'lapse-wait': { type: 'string' },
      'answer-within': { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      strict: { type: 'boolean', default: false },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help || values.list) {
    say(values.help ? help : checks.map(({ name, promise }) => `${name}: ${promise}`).join('\n'));
    return undefined;
  }
  const unknown = values.only.find((name) => !checks.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such check; --list names them`);
  const config = values.config === undefined ? {} : readConfig(values.config);
  const number = (option: 'points' | 'lapse-wait' | 'answer-within', given: number | undefined, usual: number, max: number) => {
    const value = values[option] === undefined ? (given ?? usual) : Number(values[option] || NaN);
    if (!Number.isInteger(value) || value < 1 || value > max) throw new Error(`--${option} must be a whole number from 1 to ${max}`);
    return value;
  };
  const settings = {
    checks: {
      points: number('points', config.points, 10, 1_000_000),
      lapseWaitSeconds: number('lapse-wait', config.lapseWaitSeconds, 120, 86_400),
    },
    only: values.only,
    ...(values.json !== undefined && { jsonFile: values.json }),
    isStrict: values.strict,
  };
  const answerWithinMs = number('answer-within', config.answerWithinMs, 10_000, 120_000);
  const sandbox = values.sandbox ? readSandbox(environment['CLOUD_HOME'] || '.local') : undefined;
  const simulator = sandbox?.site ?? values.simulator;
  if (simulator !== undefined)
    return { ...settings, target: { ...(await simulatorTarget(simulator, { ...config, ...sandbox?.client })), answerWithinMs } };
  const url = values.url ?? config.url;
  if (url === undefined || !/^https?:\/\/\S+$/.test(url))
    throw new Error('--url (or url in --config) must be the http(s) address of the endpoint');
  const given = {
    ...config,
    ...accountAndClient(
      values.token ?? environment['CONFORMANCE_TOKEN'],
      values['client-token'] ?? environment['CONFORMANCE_CLIENT_TOKEN'],
    ),
  };
  return { ...settings, target: { url, ...(await tokensOf(given, values.config)), answerWithinMs } };
}

function accountAndClient(accountToken: string | undefined, clientToken: string | undefined) {
  return { ...(accountToken !== undefined && { accountToken }), ...(clientToken !== undefined && { clientToken }) };
}

async function tokensOf(config: Config, file: string | undefined): Promise<{ accountToken: string; clientToken: string }> {
  const { tokenUrl, clientId, clientSecret, refreshToken } = config;
  const client = tokenUrl && clientId && clientSecret ? { tokenUrl, clientId, clientSecret } : undefined;
  let { accountToken, clientToken } = config;
  if (clientToken === undefined && client)
    clientToken = (await askForToken(client, { grant_type: 'client_credentials', scope: 'reservations' })).accessToken;
  if (accountToken === undefined && client && refreshToken) {
    const given = await askForToken(client, { grant_type: 'refresh_token', refresh_token: refreshToken });
    accountToken = given.accessToken;
    // Used once: without its successor the next run would have none.
    if (file !== undefined && given.refreshToken !== undefined)
      writeConfig(file, { ...readConfig(file), refreshToken: given.refreshToken });
  }
  if (accountToken === undefined)
    throw new Error('the token of a test account is missing: --token, or tokenUrl, clientId, clientSecret and refreshToken in --config');
  if (clientToken === undefined)
    throw new Error('the token of the client is missing: --client-token, or tokenUrl, clientId and clientSecret in --config');
  return { accountToken, clientToken };
}

async function simulatorTarget(site: string, { clientId = 'municipal-points', clientSecret = 'sandbox-secret' }: Config) {
  const home = site.replace(/\/$/, '');
  const client = { clientId, clientSecret };
  const { accessToken: accountToken } = await linkAtSimulator(home, client, 'conformance');
  const asked = { grant_type: 'client_credentials', scope: 'reservations' };
  const { accessToken: clientToken } = await askForToken({ ...client, tokenUrl: `${home}/token` }, asked);
  return { url: `${home}/points`, accountToken, clientToken };
}

/** @throws Error with one sentence */
function readSandbox(home: string) {
  const file = join(home, 'cloud.json');
  let stored: { partnerSite?: unknown; partnerSiteClient?: { id?: unknown; secret?: unknown } };
  try {
    stored = JSON.parse(readFileSync(file, 'utf8')) as typeof stored;
  } catch (error) {
    throw new Error(`--sandbox: ${file} cannot be read: start the cloud with npm start`, { cause: error });
  }
  const { partnerSite: site, partnerSiteClient: client } = stored;
  if (typeof site !== 'string' || typeof client?.id !== 'string' || typeof client.secret !== 'string')
    throw new Error(`--sandbox: ${file} names no partner site: start the cloud again with npm start`);
  return { site, client: { clientId: client.id, clientSecret: client.secret } };
}

/** @throws Error that names the key, never its value */
function readConfig(file: string): Config {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`--config ${file}: ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}`, { cause: error });
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new Error(`--config ${file}: must be a JSON object`);
  for (const [key, value] of Object.entries(read)) {
    const isText = textKeys.some((one) => one === key);
    if (!isText && !numberKeys.some((one) => one === key)) throw new Error(`--config ${file}: ${key} is not known`);
    if (typeof value !== (isText ? 'string' : 'number'))
      throw new Error(`--config ${file}: ${key} must be a ${isText ? 'text' : 'number'}`);
  }
  return read;
}

function writeConfig(file: string, config: Config): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
