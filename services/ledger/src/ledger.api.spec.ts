import { postingRequestedV1, type PostingRequested } from '@points/contracts';
import { tenants } from '@points/database';
import { uuidv7 } from '@points/kernel';
import { event, publish } from '@points/messaging';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { ledger } from './ledger.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const rules = { expiry: { kind: 'days-after-grant', days: 100 }, usableAt: [] };
const trial = { name: '川崎市実証実験ポイント', firstDay: '2017-11-20', lastDay: '2018-11-30', historyOpen: true, rules };

describe('the ledger', () => {
  let service: TestService;
  let token: string;
  let programmes: string;
  beforeAll(async () => {
    service = await testService(ledger);
    token = await service.token(
      ['programmes:write', 'programmes:read', 'ledger:post', 'ledger:read', 'ledger:expire', 'reports:read', 'history:write'],
      [kawasaki],
    );
    programmes = `${service.url}/v1/municipalities/${kawasaki}/programmes`;
    await call(`${programmes}/${programme}`, { method: 'PUT', token, body: trial });
  }, 30_000);
  afterAll(() => service?.close());

  const post = (holder: string, instruction: object, more: { effectiveAt?: string; key?: string; reason?: string } = {}) => {
    const { key, ...rest } = more;
    return call(`${programmes}/${programme}/postings`, { token, body: { holder, instruction, ...rest }, ...(key && { key }) });
  };
  const read = (path: string) => call(`${programmes}/${programme}/${path}`, { token });

  it('sets a programme up once, changes what may change, and names what may not', async () => {
    const url = `${programmes}/${kawasaki}-second`;
    const put = (body: object) => call(url, { method: 'PUT', token, body });

    expect(await put(trial)).toMatchObject({
      status: 201,
      body: {
        programme: `${kawasaki}-second`,
        versions: [{ version: 1, validFrom: '2017-11-20', rules: { refundOfExpired: 'restore-and-expire' } }],
      },
    });
    expect(await put({ ...trial, lastDay: null })).toMatchObject({ status: 200, body: { lastDay: null } });
    expect(await put({ ...trial, firstDay: '2017-11-21', rules: { ...rules, usableAt: ['shop:a'] } })).toMatchObject({
      status: 409,
      body: { code: 'programme-exists', differs: ['firstDay', 'rules'] },
    });
    expect(await put({ ...trial, rules: { ...rules, expiry: { kind: 'none', days: 3 } } })).toMatchObject({
      status: 422,
      body: { code: 'invalid-request', errors: [{ field: 'rules.expiry.days' }] },
    });
    expect(
      await call(`${url}/rules`, { token, body: { validFrom: '2018-01-01', rules: { ...rules, usableAt: ['shop:a'] } } }),
    ).toMatchObject({ status: 201, body: { versions: [{ version: 1 }, { version: 2, validFrom: '2018-01-01' }] } });
    expect(await call(`${url}/rules`, { token, body: { validFrom: '2018-01-01', rules } })).toMatchObject({
      status: 422,
      body: { code: 'rules-overlap' },
    });
    expect(await put(trial)).toMatchObject({ status: 200 });
    expect(await call(programmes, { token })).toMatchObject({ status: 200, body: [{ programme: `${kawasaki}-second` }, { programme }] });
    expect(await call(`${programmes}/222160-trial`, { token })).toMatchObject({ status: 404, body: { code: 'unknown-programme' } });
  });

  it('takes history in, expires it on request and reports it', async () => {
    const [hanako, taro] = [uuidv7(), uuidv7()];
    const issue = { kind: 'issue', amount: 1000, source: 'partner:mobile-a', funding: 'paid' };

    const issued = await post(hanako, issue, { effectiveAt: '2017-12-01T09:00:00+09:00', key: 'issue-1' });
    const again = await post(hanako, issue, { effectiveAt: '2017-12-01T00:00:00Z', key: 'issue-1' });
    await post(taro, issue, { effectiveAt: '2018-08-22T09:00:00+09:00' });
    const converted = await post(
      hanako,
      { kind: 'convert', amount: 600, to: 'scheme:bureka', places: ['scheme:bureka'] },
      { effectiveAt: '2018-03-11T23:59:59.999+09:00', reason: 'card' },
    );
    const late = await post(
      hanako,
      { kind: 'convert', amount: 400, to: 'scheme:bureka', places: ['scheme:bureka'] },
      { effectiveAt: '2018-03-12T00:00:00+09:00' },
    );

    expect(issued).toMatchObject({
      status: 201,
      body: { amount: 1000, balance: 1000, available: 1000, effectiveAt: '2017-12-01T00:00:00.000Z' },
    });
    expect(again).toMatchObject({ status: 201, body: issued.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(converted).toMatchObject({ status: 201, body: { balance: 400 } });
    expect(late).toMatchObject({ status: 422, body: { code: 'lot-expired', needed: 400, available: 0, expired: 400 } });

    const end = '2018-12-01T00:00:00+09:00';
    const before = await read(`report?at=${encodeURIComponent(end)}`);
    const run = await call(`${programmes}/${programme}/expiry-runs`, { token, body: { until: end } });
    const rerun = await call(`${programmes}/${programme}/expiry-runs`, { token, body: { until: end } });
    const report = await read(`report?at=${encodeURIComponent(end)}`);

    expect(run).toMatchObject({ status: 200, body: { lots: 2, points: 1400, holders: 2 } });
    expect(rerun).toMatchObject({ status: 200, body: { lots: 0, points: 0, holders: 0 } });
    expect(report).toMatchObject({
      status: 200,
      body: {
        municipality_code: kawasaki,
        program: trial.name,
        period: ['2017-11-20', '2018-11-30'],
        validity_days: 100,
        issued: { count: 2, persons: 2, points: 2000 },
        converted: { count: 1, persons: 1, points: 600 },
        spent: { count: 0, persons: 0, points: 0 },
        expired: { count: 2, persons: 2, points: 1400 },
        outstanding: { points: 0 },
      },
    });
    expect(before.body).toEqual(report.body);
    expect(await call(`${programmes}/${programme}/expiry-runs`, { token, body: { until: '2999-01-01T00:00:00Z' } })).toMatchObject({
      status: 422,
      body: { code: 'until-in-future' },
    });
    expect(await read(`holders/${hanako}/balance?at=2018-03-11T14:59:59.999Z`)).toMatchObject({
      body: { posted: 400, available: 400, lots: [{ remaining: 400 }] },
    });
    expect(await read(`holders/${hanako}/balance`)).toMatchObject({ body: { posted: 0, held: 0, available: 0, lots: [] } });
    const first = await read(`holders/${hanako}/history?limit=2`);
    expect(first.body).toMatchObject({
      lines: [
        { kind: 'expire', change: -400, actor: 'ledger:expiry', effectiveAt: '2018-03-11T15:00:00.000Z' },
        { kind: 'convert', change: -600, counter: 'scheme:bureka', reason: 'card', lots: [{ amount: -600 }] },
      ],
    });
    expect((await read(`holders/${hanako}/history?limit=2&after=${String(first.body['next'])}`)).body).toMatchObject({
      lines: [{ kind: 'issue', change: 1000 }],
      next: null,
    });
  });

  it.each([
    ['a field of another kind', { kind: 'release', hold: uuidv7(), amount: 5 }, 'invalid-request'],
    ['a missing field', { kind: 'spend', amount: 5, places: [] }, 'invalid-request'],
    ['no points', { kind: 'issue', amount: 0, source: 'staff:a', funding: 'free' }, 'invalid-request'],
    ['half a point', { kind: 'issue', amount: 0.5, source: 'staff:a', funding: 'free' }, 'invalid-request'],
    ['more than a safe integer', { kind: 'issue', amount: 9_007_199_254_740_992, source: 'staff:a', funding: 'free' }, 'invalid-request'],
    ['an account that cannot be paid', { kind: 'spend', amount: 5, to: 'issued:partner', places: [] }, 'wrong-account'],
    ['a time outside the period', { kind: 'issue', amount: 5, source: 'staff:a', funding: 'free' }, 'outside-period'],
  ])('refuses %s by name', async (_, instruction, code) => {
    expect(await post(uuidv7(), instruction, { ...(code !== 'outside-period' && { effectiveAt: '2018-01-01T00:00:00Z' }) })).toMatchObject({
      status: 422,
      body: { code },
    });
  });

  it('lets only a token with history:write name an effective time', async () => {
    const body = {
      holder: uuidv7(),
      instruction: { kind: 'issue', amount: 5, source: 'staff:a', funding: 'free' },
      effectiveAt: '2018-01-01T00:00:00Z',
    };

    expect(
      await call(`${programmes}/${programme}/postings`, { token: await service.token(['ledger:post'], [kawasaki]), body }),
    ).toMatchObject({ status: 403, body: { code: 'scope-missing' } });
  });

  it('answers a request that came by event with an event for its requester', async () => {
    const account = `holder:${uuidv7()}`;
    const request = event(
      postingRequestedV1,
      {
        reference: `exchange:${uuidv7()}`,
        municipality: kawasaki,
        programme,
        account,
        instruction: { kind: 'issue', amount: 500, source: 'partner:card-a', funding: 'paid' },
        effectiveAt: '2018-01-01T00:00:00.000Z',
        cause: { actor: 'exchange' },
      },
      { requester: 'exchange' },
    );

    // Through the ledger's own outbox: the road is the same for any sender.
    await service.database.transaction(tenants(kawasaki), (tx) => publish(tx, [request]));

    await eventually(
      async () => {
        const { body } = await read(`holders/${account.slice(7)}/history`);
        expect(body).toMatchObject({ lines: [{ kind: 'issue', reference: request.data.reference, actor: 'exchange' }] });
      },
      { timeoutMs: 20_000 },
    );
  }, 30_000);

  it('takes a grant back when another service asks for it by event, as that service’s doing', async () => {
    const holder = uuidv7();
    const of = `exchange:${uuidv7()}`;
    const asked = (reference: string, instruction: PostingRequested['instruction'], cause: PostingRequested['cause']) =>
      event(postingRequestedV1, {
        ...{ reference, municipality: kawasaki, programme, account: `holder:${holder}`, instruction, cause },
        effectiveAt: '2018-01-01T00:00:00.000Z',
      });
    const issue = { kind: 'issue', amount: 500, source: 'partner:card-a', funding: 'paid' } as const;

    await service.database.transaction(tenants(kawasaki), (tx) =>
      publish(tx, [
        asked(of, issue, { actor: 'card-a-system' }),
        asked(`${of}:reverse`, { kind: 'reverse', of }, { actor: 'card-a-system', reason: 'mistake' }),
      ]),
    );

    await eventually(
      async () => {
        expect((await read(`holders/${holder}/history`)).body).toMatchObject({
          lines: [{ kind: 'reverse', change: -500, actor: 'card-a-system', reason: 'mistake' }, { kind: 'issue' }],
        });
      },
      { timeoutMs: 20_000 },
    );
  }, 30_000);

  it('does not take a grant back for a client that may only post', async () => {
    expect(await post(uuidv7(), { kind: 'reverse', of: 'exchange:any' })).toMatchObject({
      status: 422,
      body: { code: 'invalid-request', errors: [{ field: 'instruction.kind' }] },
    });
  });
});
