import { randomBytes, randomUUID } from 'node:crypto';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import pg from 'pg';
import { exchange } from './exchange.js';
import { aboutToken } from './link-accounts/link.js';
import { parseSealKeys, Seal } from './link-accounts/seal.js';
import { fakeLedger, type FakeLedger } from './testing/fake-ledger.js';
import { aPerson, linkAccount, partnerTerms, registerPerson, setUpPartner, type Person } from './testing/linked-holder.js';
import { redirectUri, startPartnerSiteProcess, type PartnerSiteProcess } from './testing/partner-site-process.js';

const municipality = '141305';
const [partner, short] = ['miles', 'miles-short'];
const LINK_KEYS = `k1:${randomBytes(32).toString('base64url')}`;

let service: TestService;
let ledger: FakeLedger;
/** Access tokens of the second one end so soon that each use refreshes. */
let [site, shortSite]: PartnerSiteProcess[] = [];
let staff: string;
let programme: string;
let admin: pg.Client;

beforeAll(async () => {
  service = await testService(exchange, { LINK_KEYS, PARTNER_ANSWER_MS: 2_000, OUTSIDE_ALLOW_PRIVATE: 'true' });
  [ledger, site, shortSite] = await Promise.all([
    fakeLedger(service.topicPrefix),
    startPartnerSiteProcess(),
    startPartnerSiteProcess('--access-token-seconds', '5'),
  ]);
  const scopes = ['partners:write', 'links:write', 'links:read', 'exchange:write', 'exchange:read', 'exchange:on-behalf'];
  staff = await service.token(scopes, [municipality], 'kawasaki-app');
  programme = `${service.url}/v1/municipalities/${municipality}/programmes/${municipality}-trial`;
  await setUpPartner(programme, partner, site, staff);
  await setUpPartner(programme, short, shortSite, staff);
  admin = new pg.Client({ connectionString: service.fresh.adminUrl });
  await admin.connect();
}, 60_000);

afterAll(async () => {
  await admin?.end();
  await service?.close();
  await Promise.all([ledger?.close(), site?.stop(), shortSite?.stop()]);
});

const theSite = () => must(site);
const theShortSite = () => must(shortSite);
const linksOf = (of: string) => `${programme}/partners/${of}/account-links`;
const begin = ({ myKeyId }: Person, of = partner) =>
  call<{ authorizationUrl: string; state: string; expiresAt: string; code?: string }>(linksOf(of), { token: staff, body: { myKeyId } });
const finish = (body: object, of = partner) => call(`${linksOf(of)}/callback`, { token: staff, body });
const listOf = ({ myKeyId }: Person) =>
  call<{ links: { link: string; state: string; endedReason?: string }[] }>(`${programme}/account-links?myKeyId=${myKeyId}`, {
    token: staff,
  });

async function newPerson(account?: string): Promise<Person & { account: string }> {
  const person = { ...aPerson(), account: account ?? `m-${randomUUID().slice(0, 8)}` };
  await registerPerson(service.database, person);
  await Promise.all([theSite(), theShortSite()].map((one) => one.putAccount(person.account, 100_000)));
  return person;
}

async function linked(of = partner) {
  const person = await newPerson();
  const link = await linkAccount(programme, of, of === partner ? theSite() : theShortSite(), person, person.account, staff);
  return { ...person, link };
}

const order = ({ myKeyId }: Person, of = partner, token = staff) =>
  call(`${programme}/exchange-orders`, { token, body: { orderId: randomUUID(), myKeyId, partner: of, partnerPoints: 500 } });

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it was not started');
  return value;
}

describe('the connection of a partner', () => {
  it('is written and read without its secret, which the database does not hold in the clear', async () => {
    const address = `${programme}/partners/${partner}/connection`;
    const body = { issuer: theSite().url, endpoint: theSite().endpoint, ...theSite().client, redirectUri };

    const again = await call(address, { method: 'PUT', token: staff, body });
    const read = await call(address, { token: staff });

    const { clientSecret, ...rest } = body;
    expect([again.status, again.body, read.body]).toEqual([200, { partner, ...rest, hasSecret: true }, again.body]);
    const { rows } = await admin.query<{ row: string }>('select c::text as row from exchange.partner_connection c');
    expect(rows.map((one) => one.row).join()).not.toContain(clientSecret);
  });

  it.each([
    [{ endpoint: 'http://partner.example/points' }, 'endpoint'],
    [{ issuer: 'http://partner.example' }, 'issuer'],
    [{ issuer: 'ftp://127.0.0.1' }, 'issuer'],
    [{ redirectUri: 'https://app.example/linked?x=1' }, 'redirectUri'],
    [{ redirectUri: 'http://app.example/linked' }, 'redirectUri'],
  ])('is not taken with %j', async (change, field) => {
    const body = { issuer: theSite().url, endpoint: theSite().endpoint, ...theSite().client, redirectUri, ...change };

    const { status, body: said } = await call(`${programme}/partners/${partner}/connection`, { method: 'PUT', token: staff, body });

    expect([status, (said.errors as { field: string }[]).map((one) => one.field)]).toEqual([422, [field]]);
  });

  it('is not inside, where no setting allows it, and one that was set before is not asked', async () => {
    const { myKeyId } = await newPerson();
    const strict = await service.again({ OUTSIDE_ALLOW_PRIVATE: 'false' } as object);
    try {
      const body = { issuer: theSite().url, endpoint: theSite().endpoint, ...theSite().client, redirectUri };
      const address = `${programme}/partners/${partner}/connection`.replace(service.url, strict.url);
      const put = await call(address, { method: 'PUT', token: staff, body });
      const begun = await call(linksOf(partner).replace(service.url, strict.url), { token: staff, body: { myKeyId } });

      expect([put.status, put.body.errors]).toEqual([422, [{ field: 'issuer', reason: 'must begin with https://' }]]);
      expect([begun.status, begun.body.code]).toEqual([503, 'partner-unavailable']);
    } finally {
      await strict.stop();
    }
  });

  it('is for partners of linked accounts', async () => {
    await call(`${programme}/partners/plain`, { method: 'PUT', token: staff, body: { ...partnerTerms, kind: 'direct' } });
    const body = { issuer: theSite().url, endpoint: theSite().endpoint, ...theSite().client, redirectUri };

    expect((await call(`${programme}/partners/plain/connection`, { method: 'PUT', token: staff, body })).body.code).toBe(
      'not-account-link',
    );
    expect((await call(`${programme}/partners/nobody/connection`, { method: 'PUT', token: staff, body })).body.code).toBe(
      'unknown-partner',
    );
  });

  it('needs keys to seal with', async () => {
    const other = await service.again({ LINK_KEYS: undefined } as object);
    try {
      const { status, body } = await call(linksOf(partner).replace(service.url, other.url), {
        token: staff,
        body: { myKeyId: 'WH7KTXH4' },
      });

      expect([status, body.code]).toEqual([503, 'links-not-set-up']);
    } finally {
      await other.stop();
    }
  });
});

describe('linking', () => {
  it('sends the resident to the partner with PKCE, state and nonce, and keeps what comes back sealed', async () => {
    const person = await newPerson();

    const started = await begin(person);
    const asked = new URL(started.body.authorizationUrl).searchParams;
    const finished = await finish({ myKeyId: person.myKeyId, ...(await theSite().visit(started.body.authorizationUrl, person.account)) });

    expect(started.status).toBe(201);
    expect(Object.fromEntries(asked)).toMatchObject({
      ...{ response_type: 'code', code_challenge_method: 'S256', scope: 'openid points:reserve', redirect_uri: redirectUri },
      state: started.body.state,
      nonce: expect.stringMatching(/^\S{43}$/) as string,
    });
    expect(finished).toMatchObject({ status: 201, body: { partner, state: 'linked' } });
    expect((await listOf(person)).body.links).toEqual([finished.body]);
    const { rows } = await admin.query<{ row: string; access_token: string; refresh_token: string }>(
      'select a::text as row, access_token, refresh_token from exchange.account_link a where id = $1',
      [finished.body.link],
    );
    const seal = new Seal(parseSealKeys(LINK_KEYS) ?? new Map());
    const open = (kind: 'access' | 'refresh') => seal.open(rows[0]?.[`${kind}_token`] ?? '', aboutToken(String(finished.body.link), kind));
    expect([open('access'), open('refresh')]).toEqual([expect.stringMatching(/^\S{43}$/), expect.stringMatching(/^\S{43}$/)]);
    for (const secret of [open('access'), open('refresh'), person.account]) expect(rows[0]?.row).not.toContain(secret);
  });

  it('works once for each beginning', async () => {
    const person = await newPerson();
    const { body } = await begin(person);
    const brought = await theSite().visit(body.authorizationUrl, person.account);
    await finish({ myKeyId: person.myKeyId, ...brought });

    expect(await finish({ myKeyId: person.myKeyId, ...brought })).toMatchObject({ status: 422, body: { code: 'unknown-state' } });
    expect(await finish({ myKeyId: person.myKeyId, ...brought, state: 'made-up' })).toMatchObject({ body: { code: 'unknown-state' } });
  });

  it('answers a repeated key with the first answer', async () => {
    const person = await newPerson();
    const { body } = await begin(person);
    const request = {
      token: staff,
      key: randomUUID(),
      body: { myKeyId: person.myKeyId, ...(await theSite().visit(body.authorizationUrl, person.account)) },
    };

    const first = await call(`${linksOf(partner)}/callback`, request);
    const again = await call(`${linksOf(partner)}/callback`, request);

    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
  });

  it('is over after its time', async () => {
    const person = await newPerson();
    const { body } = await begin(person);
    const brought = await theSite().visit(body.authorizationUrl, person.account);
    await admin.query(`update exchange.link_start set expires_at = now() - interval '1 second' where holder = $1`, [person.holder]);

    expect(await finish({ myKeyId: person.myKeyId, ...brought })).toMatchObject({ status: 422, body: { code: 'unknown-state' } });
  });

  it('is not finished for another person than it was begun for', async () => {
    const [one, other] = [await newPerson(), await newPerson()];
    const { body } = await begin(one);
    const brought = await theSite().visit(body.authorizationUrl, one.account);

    expect(await finish({ myKeyId: other.myKeyId, ...brought })).toMatchObject({ status: 422, body: { code: 'link-of-another-person' } });
    expect((await listOf(other)).body.links).toEqual([]);
    expect((await listOf(one)).body.links).toEqual([]);
  });

  it('says so when the resident did not allow it, and when the code is wrong', async () => {
    const person = await newPerson();
    const denied = await theSite().visit((await begin(person)).body.authorizationUrl, person.account, false);
    const wrong = await theSite().visit((await begin(person)).body.authorizationUrl, person.account);

    expect(denied.error).toBe('access_denied');
    expect(await finish({ myKeyId: person.myKeyId, ...denied })).toMatchObject({ body: { code: 'link-denied', error: 'access_denied' } });
    expect(await finish({ myKeyId: person.myKeyId, ...wrong, code: 'made-up' })).toMatchObject({
      status: 422,
      body: { code: 'partner-refused' },
    });
    expect(
      await finish({
        myKeyId: person.myKeyId,
        ...(await theSite().visit((await begin(person)).body.authorizationUrl, person.account)),
        iss: 'http://127.0.0.1:9',
      }),
    ).toMatchObject({ status: 503 });
  });

  it('links an account of the partner to one person, and a person to one account', async () => {
    const [one, other] = [await linked(), await newPerson()];
    const taken = await theSite().visit((await begin(other)).body.authorizationUrl, one.account);
    const second = await theSite().visit((await begin(one)).body.authorizationUrl, other.account);
    const same = await theSite().visit((await begin(one)).body.authorizationUrl, one.account);

    expect(await finish({ myKeyId: other.myKeyId, ...taken })).toMatchObject({ status: 409, body: { code: 'account-linked-elsewhere' } });
    expect(await finish({ myKeyId: one.myKeyId, ...second })).toMatchObject({
      status: 409,
      body: { code: 'already-linked', link: one.link },
    });
    expect(await finish({ myKeyId: one.myKeyId, ...same })).toMatchObject({ status: 201, body: { link: one.link } });
  });

  it('is for clients of the partner, and for known people', async () => {
    const stranger = await service.token(['links:write'], [municipality], 'somebody');
    const { myKeyId } = await newPerson();

    expect((await call(linksOf(partner), { token: stranger, body: { myKeyId } })).body.code).toBe('client-not-of-partner');
    expect((await begin(aPerson())).body).toMatchObject({ code: 'unknown-my-key-id' });
    expect((await begin({ holder: '', myKeyId }, 'plain')).body).toMatchObject({ code: 'partner-not-connected' });
  });
});

describe('unlinking', () => {
  it('forgets the tokens here and takes them back there', async () => {
    const person = await linked();

    const { status, body } = await call(`${programme}/account-links/${person.link}`, { method: 'DELETE', token: staff });
    const again = await call(`${programme}/account-links/${person.link}`, { method: 'DELETE', token: staff });

    expect([status, body]).toEqual([200, expect.objectContaining({ link: person.link, state: 'ended', endedReason: 'unlinked' })]);
    expect([again.status, again.body]).toEqual([200, body]);
    const { rows } = await admin.query('select access_token, refresh_token from exchange.account_link where id = $1', [person.link]);
    expect(rows).toEqual([{ access_token: null, refresh_token: null }]);
    expect(await order(person)).toMatchObject({ status: 422, body: { code: 'account-not-linked' } });
    expect((await call(`${programme}/account-links/${randomUUID()}`, { method: 'DELETE', token: staff })).body.code).toBe('unknown-link');
  });

  it('leaves the account free for a new link', async () => {
    const person = await linked();
    await call(`${programme}/account-links/${person.link}`, { method: 'DELETE', token: staff });

    const link = await linkAccount(programme, partner, theSite(), person, person.account, staff);

    expect((await listOf(person)).body.links.map((one) => [one.link, one.state])).toEqual([
      [link, 'linked'],
      [person.link, 'ended'],
    ]);
  });
});

describe('the system of a partner', () => {
  const [own, otherSystem] = ['miles-own', 'other-system'];
  let [mine, foreign]: string[] = [];

  beforeAll(async () => {
    const put = (path: string, body: object) => call(`${programme}/partners/${path}`, { method: 'PUT', token: staff, body });
    await put(own, { ...partnerTerms, clients: ['own-system'] });
    await put(`${own}/connection`, { issuer: theSite().url, endpoint: theSite().endpoint, ...theSite().client, redirectUri });
    [mine, foreign] = await Promise.all(
      ['own-system', otherSystem].map((client) => service.token(['links:write', 'links:read'], [municipality], client)),
    );
  });

  it('sees and unlinks accounts of its own partner only', async () => {
    const person = await newPerson();
    const elsewhere = await linkAccount(programme, partner, theSite(), person, person.account, staff);
    const link = await linkAccount(programme, own, theSite(), person, person.account, must(mine));
    const seen = async (token: string) =>
      (await call<{ links: { link: string }[] }>(`${programme}/account-links?myKeyId=${person.myKeyId}`, { token })).body.links;
    const unlink = (id: string, token: string) => call(`${programme}/account-links/${id}`, { method: 'DELETE', token });

    expect((await seen(must(mine))).map((one) => one.link)).toEqual([link]);
    expect(await seen(must(foreign))).toEqual([]);
    expect((await seen(staff)).map((one) => one.link)).toEqual([link, elsewhere]);
    expect(await unlink(elsewhere, must(mine))).toMatchObject({ status: 404, body: { code: 'unknown-link' } });
    expect(await unlink(link, must(foreign))).toMatchObject({ status: 404, body: { code: 'unknown-link' } });
    expect((await seen(staff)).map((one) => one.link)).toHaveLength(2);
    expect(await unlink(link, must(mine))).toMatchObject({ status: 200, body: { state: 'ended' } });
    expect((await listOf(person)).body.links.map((one) => [one.link, one.state])).toEqual([
      [link, 'ended'],
      [elsewhere, 'linked'],
    ]);
  });
});

describe('a refresh token that works once', () => {
  it('is used once by two replicas that need it at the same time', async () => {
    const person = await linked(short);
    const second = await service.again();
    try {
      const place = (from: string) =>
        call(`${programme.replace(service.url, from)}/exchange-orders`, {
          token: staff,
          body: { orderId: randomUUID(), myKeyId: person.myKeyId, partner: short, partnerPoints: 100 },
        });

      const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => place(n % 2 ? service.url : second.url)));

      expect(answers.filter((one) => one.status !== 201 && one.status !== 202).map((one) => one.body)).toEqual([]);
      await eventually(async () => (await theShortSite().balance(person.account)).taken === 1_200, { timeoutMs: 20_000 });
      expect((await listOf(person)).body.links).toMatchObject([{ state: 'linked' }]);
    } finally {
      await second.stop();
    }
  }, 60_000);

  it('whose answer was lost ends the link, and nothing is taken', async () => {
    const person = await linked(short);
    await theShortSite().fail({ step: 'token', kind: 'lost-answer' });

    const { status, body } = await order(person, short);

    expect([status, body.code]).toEqual([422, 'link-ended']);
    expect((await listOf(person)).body.links).toMatchObject([{ state: 'ended', endedReason: 'token-gone' }]);
    expect(await theShortSite().balance(person.account)).toEqual({ available: 100_000, reserved: 0, taken: 0 });
  });
});
