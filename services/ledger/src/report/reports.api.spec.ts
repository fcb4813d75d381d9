import { uuidv7 } from '@points/kernel';
import { call, testService, type TestService } from '@points/service-testing';
import { ledger } from '../ledger.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;

/** The reads, reports and comparisons as a client sees them. What they add up to is proved on the database alone. */
describe('reads and reports by HTTP', () => {
  let service: TestService;
  let token: string;
  let base: string;
  const hanako = uuidv7();
  beforeAll(async () => {
    service = await testService(ledger);
    token = await service.token(['programmes:write', 'ledger:post', 'history:write', 'ledger:read', 'reports:read'], [kawasaki]);
    base = `${service.url}/v1/municipalities/${kawasaki}/programmes/${programme}`;
    await call(base, {
      method: 'PUT',
      token,
      body: {
        name: '試行',
        firstDay: '2017-11-20',
        lastDay: '2018-11-30',
        historyOpen: true,
        rules: { expiry: { kind: 'days-after-grant', days: 100 }, usableAt: [] },
      },
    });
    await post({ kind: 'issue', amount: 1000, source: 'partner:mobile-a', funding: 'paid' }, '2017-12-01T09:00:00+09:00', 'issue-1');
    await post({ kind: 'spend', amount: 300, to: 'merchant:shop-1', places: [] }, '2017-12-31T23:59:59.999+09:00', 'spend-1', '=1+1');
    await post({ kind: 'spend', amount: 50, to: 'merchant:shop-1', places: [] }, '2018-01-01T00:00:00+09:00', 'spend-2');
  }, 60_000);
  afterAll(() => service?.close());

  const post = (instruction: object, effectiveAt: string, key: string, reason?: string) =>
    call(`${base}/postings`, { token, key, body: { holder: hanako, instruction, effectiveAt, ...(reason !== undefined && { reason }) } });
  const read = (path: string, headers: Record<string, string> = {}) => call(`${base}/${path}`, { token, headers });
  const year = 'from=2017-04-01&to=2018-03-31';

  it('reports a period, its lines and its CSV', async () => {
    expect(await read(`reports/movements?${year}&by=month,source`)).toMatchObject({
      status: 200,
      body: {
        from: '2017-03-31T15:00:00.000Z',
        until: '2018-03-31T15:00:00.000Z',
        knownAt: null,
        rows: [
          { month: '2017-12', source: 'partner:mobile-a', opening: 0, issued: 1000, used: 300, closing: 700 },
          { month: '2018-01', opening: 700, used: 50, closing: 650 },
          { month: '2018-02', opening: 650, closing: 650 },
          { month: '2018-03', opening: 650, expired: 650, closing: 0 },
        ],
        total: { issued: 1000, used: 350, expired: 650, closing: 0 },
      },
    });
    const lines = await read(`reports/movements/lines?${year}&total=used&limit=1`);
    expect(lines).toMatchObject({
      status: 200,
      body: { total: 'used', lines: [{ points: 300, holder: hanako, counter: 'merchant:shop-1', reason: '=1+1' }] },
    });
    expect(await read(`reports/movements/lines?${year}&total=used&limit=1&after=${String(lines.body['next'])}`)).toMatchObject({
      body: { lines: [{ points: 50 }], next: null },
    });

    const csv = await read(`reports/movements?${year}&by=month`, { accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(String(csv.body['text']).split('\r\n').slice(0, 2)).toEqual([
      'month,opening,issued,used,converted,donated,refunded,expired,reverted,takenBack,adjusted,moved,other,closing,lines',
      '2017-12,0,1000,300,0,0,0,0,0,0,0,0,0,700,2',
    ]);
    const page = await read(`reports/movements/lines?${year}&total=used&limit=1&format=csv`);
    expect(page.headers.get('link')).toMatch(/^<\/v1\/.*total=used.*after=.*>; rel="next"$/);
    expect(page.body['text']).toContain(`,'=1+1\r\n`);
  });

  it.each([
    [
      'reports/outstanding?at=2018-01-01T00:00:00%2B09:00&by=source,age,ending',
      { rows: [{ age: '0-30', ending: '2018-03', points: 700, lots: 1 }], total: { points: 700 } },
    ],
    ['reports/outstanding/lines?at=2018-01-01T00:00:00%2B09:00&age=0-30', { lines: [{ points: 700 }], next: null }],
    ['reports/breakage', { rows: [{ cohort: '2017-12', issued: 1000, expired: 650, breakageBasisPoints: 6500 }] }],
    ['reports/breakage/lines?total=expired&cohort=2017-12', { lines: [{ points: 650, posting: null }] }],
    [
      'reports/base-dates/2018-03-31',
      {
        rows: [
          { funding: 'paid', issued: 1000, redeemed: 350, lapsed: 650, balance: 0 },
          { funding: 'free', balance: 0 },
        ],
      },
    ],
    ['reports/base-dates/2018-03-31/lines?total=redeemed', { lines: [{ points: 300 }, { points: 50 }] }],
    ['reports/fiscal-years/2017', { state: 'due', total: { issued: 1000 }, recorded: { later: 3, notYetPosted: 1 } }],
    ['reports/fiscal-years/2017/lines?total=lapsed', { lines: [{ points: 650 }] }],
    ['accounts/merchant:shop-1/balance?at=2017-12-31T14:59:59.999Z', { account: 'merchant:shop-1', balance: 300, entries: 1 }],
    ['accounts/merchant:shop-1/history?limit=1', { lines: [{ change: 50, kind: 'spend' }] }],
    ['expiring?within=3', { lines: [], next: null }],
  ])('answers %s', async (path, body) => {
    expect(await read(path)).toMatchObject({ status: 200, body });
  });

  it('answers a holder’s reads, filtered and as CSV', async () => {
    expect(await read(`holders/${hanako}/balance?at=2018-01-15T00:00:00Z`)).toMatchObject({
      body: { posted: 650, usable: { anywhere: 650, at: [] } },
    });
    // The history was recorded just now: in 2018 nothing of it was known.
    expect(await read(`holders/${hanako}/balance?at=2018-01-15T00:00:00Z&knownAt=2018-01-15T00:00:00Z`)).toMatchObject({
      body: { posted: 0 },
    });
    expect((await read(`holders/${hanako}/history?kind=spend&from=2018-01-01&to=2018-01-01`)).body).toMatchObject({
      lines: [{ change: -50 }],
      next: null,
    });
    const csv = await read(`holders/${hanako}/history?format=csv`);
    expect(String(csv.body['text']).split('\r\n')).toHaveLength(5);
    expect(await read(`holders/${hanako}/expiring?within=3`)).toMatchObject({ status: 200, body: { lines: [] } });
  });

  it.each([
    ['reports/movements?from=2018-01-02&to=2018-01-01', 422, 'invalid-request'],
    ['reports/movements?from=1990-01-01&to=2018-01-01', 422, 'invalid-request'],
    ['reports/movements?from=2018-01-01', 422, 'invalid-request'],
    [`reports/movements?${year}&by=colour`, 422, 'invalid-request'],
    [`reports/movements/lines?${year}`, 422, 'invalid-request'],
    [`reports/movements/lines?${year}&total=used&after=nonsense`, 422, 'invalid-request'],
    [`reports/movements/lines?${year}&total=used&limit=201`, 422, 'invalid-request'],
    ['reports/base-dates/2018-04-01', 404, 'not-found'],
    ['reports/base-dates/2999-03-31', 422, 'base-date-ahead'],
    ['reports/fiscal-years/1', 404, 'not-found'],
    [`accounts/holder:${hanako}/balance`, 422, 'not-a-system-account'],
    ['expiring', 422, 'invalid-request'],
  ])('refuses %s with %i %s', async (path, status, code) => {
    expect(await read(path)).toMatchObject({ status, body: { code } });
  });

  it('closes a fiscal year once its books are due, and shows it', async () => {
    const close = (of: number, body: object) => call(`${base}/fiscal-years/${of}/close`, { method: 'PUT', token, body });

    expect(await close(2016, { closed: true, reason: '出納閉鎖' })).toMatchObject({
      status: 200,
      body: { year: 2016, state: 'closed', closes: [{ closed: true, actor: 'test-client' }] },
    });
    expect(await read('reports/fiscal-years/2016')).toMatchObject({ body: { state: 'closed', closes: [{ change: 1 }] } });
    expect(await close(9000, { closed: true, reason: 'early' })).toMatchObject({ status: 422, body: { code: 'books-still-open' } });
    expect(await close(2016, { closed: true })).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
  });

  it('compares another system’s list', async () => {
    const list = (body: string, query = year, type = 'text/csv') =>
      call(`${base}/reconciliations?${query}`, { method: 'POST', token, body, headers: { 'content-type': type } });
    const header = 'reference,holder,amount,kind,time\n';
    const body = `${header}http:test-client/issue-1,,1000,issue,2017-12-01\n,${hanako},300,spend,2017-12-31T23:59:30+09:00\nhttp:test-client/spend-2,,55,spend,\nunknown,,7,spend,\n`;

    expect(await list(body)).toMatchObject({
      status: 200,
      body: {
        there: { lines: 4, points: 1362 },
        here: { lines: 3, points: 1350 },
        matched: { lines: 2, points: 1300 },
        missingHere: [{ line: 5, reference: 'unknown' }],
        missingThere: [],
        different: [{ there: { line: 4 }, here: { amount: 50 }, reasons: ['amount: there 55, here 50'] }],
      },
    });
    expect((await list(body, `${year}&format=csv`)).body['text']).toMatch(/^finding,line,.*\r\nmissingHere,5,unknown,.*\r\ndifferent,4,/);
    expect(await list(`${header}r,,x,spend,\n`)).toMatchObject({
      status: 422,
      body: { code: 'malformed-list', errors: [{ line: 2, field: 'amount' }] },
    });
    expect(await list('{}', year, 'application/json')).toMatchObject({ status: 415, body: { code: 'unsupported-media-type' } });
    expect(await list(`${header}${'x'.repeat(4_200_000)}`)).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
    expect(await call(`${base}/postings`, { token, body: 'a,b', headers: { 'content-type': 'text/csv' } })).toMatchObject({ status: 415 });
  });

  it('gives reports to reports:read only, and reads to ledger:read only', async () => {
    const reader = await service.token(['ledger:read'], [kawasaki]);
    const reporter = await service.token(['reports:read'], [kawasaki]);
    const stranger = await service.token(['reports:read', 'ledger:read'], ['432067']);

    expect(await call(`${base}/reports/breakage`, { token: reader })).toMatchObject({ status: 403, body: { code: 'scope-missing' } });
    expect(await call(`${base}/expiring?within=1`, { token: reporter })).toMatchObject({ status: 403, body: { code: 'scope-missing' } });
    expect(await call(`${base}/reports/breakage`, { token: stranger })).toMatchObject({
      status: 403,
      body: { code: 'tenant-not-allowed' },
    });
  });
});
