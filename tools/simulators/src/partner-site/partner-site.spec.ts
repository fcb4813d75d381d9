import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPartnerSite, type PartnerSite, type PartnerSiteOptions } from './partner-site.ts';
import { ask, clientToken, linkAccount, refresh, testRedirectUris, type Tokens } from './testing.ts';

const running: PartnerSite[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const site of running.splice(0)) {
    // Whatever a test did: the running balances and the reservations tell the same.
    expect(site.books().differences).toEqual([]);
    await site.stop();
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function aSite(options: Partial<PartnerSiteOptions> = {}): Promise<PartnerSite> {
  const site = await startPartnerSite({ port: 0, redirectUris: testRedirectUris, ...options });
  running.push(site);
  return site;
}

async function linked(options: Partial<PartnerSiteOptions> = {}, account = 'hanako') {
  const site = await aSite(options);
  const [tokens, token] = await Promise.all([linkAccount(site.url, account), clientToken(site.url)]);
  return { site, ...callsOf(site, tokens, token), tokens, token };
}

function callsOf({ endpoint }: PartnerSite, tokens: Tokens, token: string) {
  return {
    reserve: (id: string, points: unknown = 500) =>
      ask('PUT', `${endpoint}/reservations/${id}`, { body: { points }, token: tokens.accessToken }),
    commit: (id: string) => ask('POST', `${endpoint}/reservations/${id}/commit`, { token }),
    cancel: (id: string) => ask('POST', `${endpoint}/reservations/${id}/cancel`, { token }),
    read: (id: string) => ask('GET', `${endpoint}/reservations/${id}`, { token }),
  };
}

const balanceOf = (site: PartnerSite, account = 'hanako') => {
  const found = site.books().balances.find((one) => one.account === account);
  return found && { available: found.available, reserved: found.reserved, taken: found.taken };
};

describe('a reservation', () => {
  it('is one, however often and however many at a time it is asked for', async () => {
    const { site, reserve } = await linked();

    const answers = await Promise.all(Array.from({ length: 8 }, () => reserve('order-1')));

    expect(answers.map((one) => one.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(balanceOf(site)).toEqual({ available: 99_500, reserved: 500, taken: 0 });
  });

  it('is taken by a commit, once', async () => {
    const { site, reserve, commit, cancel } = await linked();
    await reserve('order-1');

    const first = await commit('order-1');
    const again = await commit('order-1');

    expect([first.status, again]).toEqual([200, first]);
    expect(first.body.receipt).toEqual(expect.any(String));
    expect(await cancel('order-1')).toMatchObject({ status: 409, body: { code: 'already-committed' } });
    expect(balanceOf(site)).toEqual({ available: 99_500, reserved: 0, taken: 500 });
  });

  it('gives its points back by a cancel, and is never committed then', async () => {
    const { site, reserve, commit, cancel } = await linked();
    await reserve('order-1');

    expect(await cancel('order-1')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await cancel('order-1')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await commit('order-1')).toMatchObject({ status: 409, body: { code: 'already-cancelled' } });
    expect(balanceOf(site)).toEqual({ available: 100_000, reserved: 0, taken: 0 });
  });

  it('that was cancelled before it arrived is refused when it arrives', async () => {
    const { site, reserve, cancel } = await linked();

    expect(await cancel('order-1')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await reserve('order-1')).toMatchObject({ status: 409, body: { code: 'already-cancelled' } });
    expect(balanceOf(site)).toEqual({ available: 100_000, reserved: 0, taken: 0 });
  });

  it('lapses by itself', async () => {
    const { site, reserve, commit, read } = await linked({ lapseSeconds: 0 });
    await reserve('order-1');

    expect(await read('order-1')).toMatchObject({ status: 200, body: { state: 'lapsed' } });
    expect(await commit('order-1')).toMatchObject({ status: 409, body: { code: 'lapsed' } });
    expect(await reserve('order-1')).toMatchObject({ status: 409, body: { code: 'lapsed' } });
    expect(balanceOf(site)).toEqual({ available: 100_000, reserved: 0, taken: 0 });
  });

  it.each([
    ['hanako', 100_001, 'insufficient-points'],
    ['taro', 5_001, 'limit-exceeded'],
    ['shizu', 1, 'account-blocked'],
  ])('of %s for %d points is refused: %s', async (account, points, code) => {
    const { site, reserve } = await linked({}, account);
    const before = balanceOf(site, account);

    expect(await reserve('order-1', points)).toMatchObject({ status: 422, body: { code } });
    expect(await reserve('order-1', points)).toMatchObject({ status: 422, body: { code } });
    expect(balanceOf(site, account)).toEqual(before);
  });

  it.each([0, -5, 1.5, '500', null, 1_000_000_001])('is not made for %j points', async (points) => {
    const { site, reserve } = await linked();

    expect(await reserve('order-1', points)).toMatchObject({ status: 400, body: { code: 'points-wrong' } });
    expect(site.books().reservations).toEqual([]);
  });
});

describe('a token', () => {
  it('of an account reserves, and the client’s own ends reservations', async () => {
    const { site, tokens, token } = await linked();
    const [address, body] = [`${site.endpoint}/reservations/order-1`, { points: 5 }];

    expect(await ask('PUT', address, { body })).toMatchObject({ status: 401, body: { code: 'token-missing' } });
    expect(await ask('PUT', address, { body, token: 'abc' })).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    expect(await ask('PUT', address, { body, token })).toMatchObject({ status: 403, body: { code: 'scope-missing' } });
    expect(await ask('POST', `${address}/commit`, { token: tokens.accessToken })).toMatchObject({ status: 403 });
  });

  it('that refreshes is used once: used again it ends the link', async () => {
    const { site, tokens } = await linked();

    expect((await refresh(site.url, tokens.refreshToken)).status).toBe(200);
    expect((await refresh(site.url, tokens.refreshToken)).body.error).toBe('invalid_grant');
    expect((await ask('GET', `${site.endpoint}/account`, { token: tokens.accessToken })).status).toBe(401);
  });

  it('that refreshes may be used again within the time of grace', async () => {
    const { site, tokens } = await linked({ refreshGraceSeconds: 60 });

    expect((await refresh(site.url, tokens.refreshToken)).status).toBe(200);
    expect((await refresh(site.url, tokens.refreshToken)).status).toBe(200);
  });

  it('is not given to a member that does not allow it', async () => {
    const site = await aSite();
    const query = { client_id: 'municipal-points', response_type: 'code', scope: 'openid', redirect_uri: testRedirectUris[0] ?? '' };
    const challenge = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' };
    const url = `${site.url}/auth?${new URLSearchParams({ ...query, ...challenge }).toString()}`;

    const { body } = await ask('POST', `${site.url}/control/visits`, { body: { url, account: 'hanako', allow: false } });

    expect(new URL(String(body.location)).searchParams.get('error')).toBe('access_denied');
  });
});

describe('a failure', () => {
  it.each(['lost-answer', 'error-after'] as const)('%s has done what was asked', async (kind) => {
    const { site, reserve } = await linked();
    site.fail({ step: 'reserve', kind });

    await reserve('order-1').catch(() => undefined);

    expect(await reserve('order-1')).toMatchObject({ status: 200, body: { state: 'reserved' } });
  });

  it.each(['time-out', 'error'] as const)('%s has done nothing', async (kind) => {
    const { site, tokens, reserve } = await linked();
    site.fail({ step: 'reserve', kind });

    await fetch(`${site.endpoint}/reservations/order-1`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${tokens.accessToken}` },
      body: '{"points":500}',
      signal: AbortSignal.timeout(200),
    }).catch(() => undefined);

    expect(site.books().reservations).toEqual([]);
    expect((await reserve('order-1')).status).toBe(201);
  });

  it('late is done after what was asked later', async () => {
    const { site, cancel, reserve } = await linked();
    site.fail({ step: 'reserve', kind: 'late', delayMs: 300 });
    const call = reserve('order-1');
    await cancel('order-1');

    expect(await call).toMatchObject({ status: 409, body: { code: 'already-cancelled' } });
    expect(balanceOf(site)).toEqual({ available: 100_000, reserved: 0, taken: 0 });
  });

  it('of each step of each reservation meets every call once', async () => {
    const { site, reserve, commit } = await linked();
    site.fail({ kind: 'lost-answer', each: true });

    for (const id of ['order-1', 'order-2']) {
      await expect(reserve(id)).rejects.toThrow();
      expect((await reserve(id)).status).toBe(200);
      await expect(commit(id)).rejects.toThrow();
      expect((await commit(id)).status).toBe(200);
    }
    expect(balanceOf(site)).toEqual({ available: 99_000, reserved: 0, taken: 1_000 });
  });

  it('refuse makes a reservation lapse under its commit', async () => {
    const { site, reserve, commit } = await linked();
    site.fail({ step: 'commit', kind: 'refuse' });
    await reserve('order-1');

    expect(await commit('order-1')).toMatchObject({ status: 409, body: { code: 'lapsed' } });
    expect(balanceOf(site)).toEqual({ available: 100_000, reserved: 0, taken: 0 });
  });

  it.each([
    { kind: 'sideways' },
    { kind: 'error', step: 'nap' },
    { kind: 'error', times: 0 },
    { kind: 'late', delayMs: -1 },
    { kind: 'error', colour: 'red' },
    null,
  ])('is not set by %j', async (body) => {
    const site = await aSite();

    expect(await ask('POST', `${site.url}/control/failures`, { body })).toMatchObject({ status: 422, body: { code: 'failure-wrong' } });
  });
});

it('knows its books and its links after a restart, and forgets a line that a crash cut off', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'partner-site-'));
  folders.push(folder);
  const stateFile = join(folder, 'partner.jsonl');
  const { site, tokens, token, reserve } = await linked({ stateFile });
  await reserve('order-1');
  const before = site.books();
  await site.stop();
  appendFileSync(stateFile, '{"kind":"reservation","reser');

  const second = await aSite({ stateFile });

  expect(second.books()).toEqual(before);
  expect(await callsOf(second, tokens, token).commit('order-1')).toMatchObject({ status: 200, body: { state: 'committed' } });
  expect((await refresh(second.url, tokens.refreshToken)).status).toBe(200);
});

it('is known to browsers by another name than the one it listens at, and what is linked there is reserved there', async () => {
  const site = await aSite({ host: '127.0.0.1', publicHost: 'localhost' });
  const here = `http://127.0.0.1:${site.port}`;

  const [described, tokens] = [
    (await (await fetch(`${here}/.well-known/openid-configuration`)).json()) as object,
    await linkAccount(site.url, 'taro'),
  ];

  expect(site.url).toBe(`http://localhost:${site.port}`);
  expect(described).toMatchObject({ issuer: site.url });
  const path = `/points/reservations/order-1`;
  expect((await ask('PUT', `${here}${path}`, { body: { points: 500 }, token: tokens.accessToken })).status).toBe(201);
});
