// The site of a partner company whose members link their accounts (ID連携型): a sign-in that speaks OpenID Connect, an endpoint where
// points of a linked account are reserved, committed and cancelled, and books that are checked twice.
// Run `node tools/simulators/dist/partner-site/partner-site.js --help`. Without imports of the workspace, as the card scheme.
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { decoded, listen, portOf, problem, runSimulator, send, stop, type Answer } from '../json-http.ts';
import { readLines } from '../state-file.ts';
import { answerToPartnerCall, type Endpoint } from './api.ts';
import { Books, defects, type AccountTerms, type Balance, type BookRecord, type Defect, type Reservation } from './books.ts';
import { control } from './control.ts';
import { Failures, type Failure } from './failures.ts';
import { openSignIn, type SignInRecord } from './sign-in.ts';

export interface PartnerSiteOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  /** By which browsers and the points service reach it, where that is not `host`: among containers. The port is the same. */
  readonly publicHost?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly redirectUris?: readonly string[];
  readonly accounts?: readonly AccountTerms[];
  /** A reservation that is not committed goes back after this time. */
  readonly lapseSeconds?: number;
  readonly accessTokenSeconds?: number;
  readonly refreshGraceSeconds?: number;
  readonly defects?: readonly Defect[];
  /** Books and tokens as JSON lines, read again at the start. In memory only when absent. */
  readonly stateFile?: string;
}

export interface PartnerSite {
  /** Also the issuer of the sign-in. */
  readonly url: string;
  /** Where reservations are. */
  readonly endpoint: string;
  readonly port: number;
  books(): { readonly balances: Balance[]; readonly reservations: Reservation[]; readonly differences: string[] };
  fail(failure: Partial<Failure> & Pick<Failure, 'kind'>): void;
  stop(): Promise<void>;
}

export async function startPartnerSite(options: PartnerSiteOptions): Promise<PartnerSite> {
  const { host = '127.0.0.1', stateFile } = options;
  const kept = stateFile === undefined ? [] : readLines<BookRecord | SignInRecord>(stateFile);
  const keep = (record: BookRecord | SignInRecord) => {
    if (stateFile !== undefined) appendFileSync(stateFile, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  };
  const stopping = new AbortController();
  const failures = new Failures();
  const clock = () => new Date();
  const books = new Books({
    lapseSeconds: options.lapseSeconds ?? 1_800,
    defects: new Set(options.defects),
    kept: kept.filter((one): one is BookRecord => one.kind === 'account' || one.kind === 'reservation'),
    keep,
  });
  for (const account of options.accounts ?? testAccounts) if (!books.findAccount(account.id)) books.putAccount(account);
  const redirectUris = [...(options.redirectUris ?? [])];
  const server = createServer();
  // The issuer's address is known once the port is.
  const port = await listen(server, options.port, host);
  const url = `http://${options.publicHost ?? host}:${port}`;
  const signIn = openSignIn({
    issuer: url,
    client: () => ({
      clientId: options.clientId ?? 'municipal-points',
      clientSecret: options.clientSecret ?? 'sandbox-secret',
      redirectUris,
    }),
    isAccount: (id) => books.findAccount(id) !== undefined,
    accessTokenSeconds: options.accessTokenSeconds ?? 300,
    refreshGraceSeconds: options.refreshGraceSeconds ?? 0,
    kept: kept.filter((one): one is SignInRecord => one.kind === 'oidc' || one.kind === 'keys'),
    keep,
  });
  // For a person without an app: the page shows what an app would take over.
  redirectUris.push(`${url}/returned`);
  const addRedirectUri = (uri: string) => {
    if (!redirectUris.includes(uri)) redirectUris.push(uri);
    return redirectUris;
  };
  const site: Site = { books, failures, signIn, clock, stopped: stopping.signal, issuer: url, addRedirectUri };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, site).catch(() => {
      if (!response.headersSent && !stopping.signal.aborted) send(response, problem(500, 'internal-error', 'something went wrong here'));
      else response.destroy();
    });
  });
  return {
    url,
    endpoint: `${url}/points`,
    port,
    books: () => books.all(clock()),
    fail: (failure) => failures.add({ times: 1, each: false, delayMs: 0, ...failure }),
    stop: () => {
      stopping.abort();
      return stop(server);
    },
  };
}

/** Members of the sandbox. */
export const testAccounts: readonly AccountTerms[] = [
  { id: 'hanako', granted: 100_000, reservationMax: null, isBlocked: false },
  { id: 'taro', granted: 10_000, reservationMax: 5_000, isBlocked: false },
  { id: 'jiro', granted: 0, reservationMax: null, isBlocked: false },
  { id: 'shizu', granted: 50_000, reservationMax: null, isBlocked: true },
  // For the conformance kit: nobody else uses it while it runs.
  { id: 'conformance', granted: 100_000, reservationMax: null, isBlocked: false },
];

interface Site extends Endpoint {
  readonly issuer: string;
  addRedirectUri(uri: string): readonly string[];
}

async function answer(request: IncomingMessage, response: ServerResponse, site: Site): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', site.issuer);
  const path = decoded(pathname);
  const [first, ...rest] = path ?? [];
  if (!path) return send(response, problem(404, 'not-found', 'the address is not well encoded'));
  if (first === 'health') return send(response, { status: 200, body: { status: 'ready' } });
  if (first === 'returned') return send(response, { status: 200, body: Object.fromEntries(searchParams) });
  if (first === 'control') return send(response, await control(request, rest, site));
  if (first === 'points') return send(response, await answerToPartnerCall(request, rest, site));
  if (await signInWithFailures(request, response, pathname, site)) return;
  send(response, problem(404, 'not-found', 'there is nothing at this address'));
}

async function signInWithFailures(request: IncomingMessage, response: ServerResponse, path: string, site: Site): Promise<boolean> {
  const { signIn, failures, stopped } = site;
  const failure = path === '/token' ? failures.take('token', '') : undefined;
  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      stopped.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  const failed: Answer = problem(500, 'internal-error', 'something went wrong here');
  switch (failure?.kind) {
    case 'time-out':
      await wait(120_000);
      response.destroy();
      return true;
    case 'error':
    case 'refuse':
      send(response, failed);
      return true;
    case 'lost-answer':
    case 'error-after': {
      // The tokens are made; whoever waits for them hears nothing.
      response.end = () => {
        response.destroy();
        return response;
      };
      break;
    }
    case 'late':
    case 'slow':
      await wait(failure.delayMs);
      break;
    case 'duplicate':
    case undefined:
      break;
  }
  return signIn.answer(request, response, path);
}

export const help = `partner-site: a partner company whose members link their accounts, simulated

  --port N                  port (or the variable PORT); 0 takes a free one
  --host ADDRESS            127.0.0.1 unless told
  --public-host NAME        by which browsers and the points service reach it, where that is another one; its sign-in's issuer bears it
  --client-id ID            of the points service, municipal-points unless told (or PARTNER_SITE_CLIENT_ID)
  --client-secret TEXT      sandbox-secret unless told (or PARTNER_SITE_CLIENT_SECRET)
  --client-secret-file FILE instead, the same from a file (or PARTNER_SITE_CLIENT_SECRET_FILE)
  --redirect-uri URL        where the sign-in may send browsers back to; may be given several times (or PARTNER_SITE_REDIRECT_URI)
  --lapse-seconds N         a reservation goes back by itself after this time, 1800 unless told
  --access-token-seconds N  life of an access token, 300 unless told
  --refresh-grace-seconds N how long a used refresh token may be used again, 0 unless told
  --state FILE              keeps books and tokens in this file (or PARTNER_SITE_STATE)
  --defect NAME             breaks one rule of the contract; may be given several times: ${defects.join(', ')}
`;

async function main(): Promise<PartnerSite | undefined> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env['PORT'] ?? '' },
      host: { type: 'string' },
      'public-host': { type: 'string' },
      'client-id': { type: 'string', default: process.env['PARTNER_SITE_CLIENT_ID'] ?? '' },
      'client-secret': { type: 'string', default: process.env['PARTNER_SITE_CLIENT_SECRET'] ?? '' },
      'client-secret-file': { type: 'string', default: process.env['PARTNER_SITE_CLIENT_SECRET_FILE'] ?? '' },
      'redirect-uri': { type: 'string', multiple: true, default: [process.env['PARTNER_SITE_REDIRECT_URI'] ?? ''].filter(Boolean) },
      'lapse-seconds': { type: 'string' },
      'access-token-seconds': { type: 'string' },
      'refresh-grace-seconds': { type: 'string' },
      state: { type: 'string', default: process.env['PARTNER_SITE_STATE'] ?? '' },
      defect: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return undefined;
  }
  const seconds = (name: 'lapse-seconds' | 'access-token-seconds' | 'refresh-grace-seconds', key: keyof PartnerSiteOptions) => {
    const text = values[name];
    if (text === undefined) return {};
    if (!/^\d{1,7}$/.test(text)) throw new Error(`--${name} must be a whole number of seconds`);
    return { [key]: Number(text) };
  };
  const wrong = values.defect.find((name) => !defects.some((one) => one === name));
  if (wrong !== undefined) throw new Error(`--defect ${wrong}: one of ${defects.join(', ')}`);
  const secretFile = values['client-secret-file'];
  const clientSecret = values['client-secret'] || (secretFile && readFileSync(secretFile, 'utf8').trim());
  return startPartnerSite({
    port: portOf(values.port),
    ...(values.host && { host: values.host }),
    ...(values['client-id'] && { clientId: values['client-id'] }),
    ...(values['public-host'] && { publicHost: values['public-host'] }),
    ...(clientSecret && { clientSecret }),
    ...(values.state && { stateFile: values.state }),
    redirectUris: values['redirect-uri'],
    // Each was just looked up in the list.
    defects: values.defect as Defect[],
    ...seconds('lapse-seconds', 'lapseSeconds'),
    ...seconds('access-token-seconds', 'accessTokenSeconds'),
    ...seconds('refresh-grace-seconds', 'refreshGraceSeconds'),
  });
}

if (import.meta.main) await runSimulator('partner site', main);
