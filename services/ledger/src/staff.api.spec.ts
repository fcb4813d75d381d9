import { uuidv7 } from '@points/kernel';
import { call, testService, type TestService } from '@points/service-testing';
import { ledger } from './ledger.js';

const kawasaki = '141305';
// Jest's matchers are untyped.
const anId = expect.any(String) as string;
const programme = `${kawasaki}-staff`;
const rules = {
  expiry: { kind: 'days-after-grant', days: 100 },
  usableAt: [],
  limits: [{ kind: 'granted', per: 'fiscal-year', points: 5_000, source: 'activity:radio' }],
  adjustmentAlone: 1_000,
  reverseOfSpent: 'debt',
};

describe('what staff do', () => {
  let service: TestService;
  let token: string;
  let second: string;
  let url: string;
  beforeAll(async () => {
    service = await testService(ledger);
    const scopes = [
      'programmes:write',
      'programmes:read',
      'ledger:post',
      'ledger:read',
      'ledger:freeze',
      'ledger:adjust',
      'ledger:approve',
    ];
    token = await service.token(scopes, [kawasaki], 'clerk');
    second = await service.token(scopes, [kawasaki], 'head-of-section');
    url = `${service.url}/v1/municipalities/${kawasaki}/programmes/${programme}`;
    const set = { name: 'ポイント', firstDay: '2020-01-01', rules };
    expect(await call(url, { method: 'PUT', token, body: set })).toMatchObject({
      status: 201,
      body: { versions: [{ rules }], lastGrantDay: null },
    });
    expect(await call(url, { method: 'PUT', token, body: set })).toMatchObject({ status: 200 });
  }, 30_000);
  afterAll(() => service?.close());

  const send = (path: string, body: object, as = token) => call(`${url}/${path}`, { token: as, body });
  const put = (path: string, body: object) => call(`${url}/${path}`, { method: 'PUT', token, body });
  const read = (path: string) => call(`${url}/${path}`, { token });
  const issue = (amount: number, source = 'staff:gift') => ({ kind: 'issue', amount, source, funding: 'free' });
  const spend = (amount: number) => ({ kind: 'spend', amount, to: 'merchant:shop-1', places: [] });
  const grant = (holder: string, amount: number) => send('postings', { holder, instruction: issue(amount) });

  it('posts a batch each for itself, or all or none, and tells of every posting', async () => {
    const [hanako, taro] = [uuidv7(), uuidv7()];
    const names = [uuidv7(), uuidv7(), uuidv7()];
    const postings = [
      { reference: names[0], holder: hanako, instruction: issue(100) },
      { reference: names[1], holder: taro, instruction: spend(1) },
      { reference: names[2], holder: hanako, instruction: spend(30) },
    ];

    const dry = await send('postings/batch', { mode: 'each', dryRun: true, postings });
    const atomic = await send('postings/batch', { mode: 'atomic', postings });
    const each = await send('postings/batch', { mode: 'each', postings });
    const again = await send('postings/batch', { mode: 'each', postings });

    expect(dry).toMatchObject({
      status: 200,
      body: { dryRun: true, posted: 2, refused: 1, outcomes: [{ status: 'posted', balance: 100 }, {}, { balance: 70 }] },
    });
    expect(dry.body['outcomes']).not.toMatchObject([{ posting: anId }, {}, {}]);
    expect(atomic).toMatchObject({
      status: 422,
      body: {
        code: 'batch-refused',
        index: 1,
        reference: names[1],
        refused: 'insufficient-points',
        outcomes: [{ status: 'not-carried-out' }, { status: 'refused', code: 'insufficient-points' }, { status: 'not-carried-out' }],
      },
    });
    expect(each).toMatchObject({
      status: 200,
      body: {
        mode: 'each',
        posted: 2,
        refused: 1,
        outcomes: [{ status: 'posted', posting: anId }, { code: 'insufficient-points' }, { amount: 30, balance: 70 }],
      },
    });
    expect(again).toMatchObject({ body: { outcomes: [{ repeated: true }, { repeated: true }, { repeated: true }] } });
    expect(await read(`holders/${hanako}/balance`)).toMatchObject({ body: { posted: 70 } });
  });

  it('names the posting of a batch whose body is wrong', async () => {
    const postings = [
      { reference: 'a', holder: uuidv7(), instruction: issue(1) },
      { reference: 'b', holder: uuidv7(), instruction: { ...spend(1), hold: uuidv7() } },
    ];

    expect(await send('postings/batch', { mode: 'each', postings })).toMatchObject({
      status: 422,
      body: { code: 'invalid-request', errors: [{ field: 'postings.1.instruction.hold' }] },
    });
    expect(await send('postings/batch', { mode: 'each', postings: [] })).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
  });

  it('answers a dry run of one posting and writes nothing', async () => {
    const hanako = uuidv7();

    expect(await send('postings?dryRun=true', { holder: hanako, instruction: issue(100) })).toMatchObject({
      status: 200,
      body: { dryRun: true, amount: 100, balance: 100 },
    });
    expect(await send('postings?dryRun=true', { holder: hanako, instruction: spend(1) })).toMatchObject({
      status: 422,
      body: { code: 'insufficient-points' },
    });
    expect(await read(`holders/${hanako}/balance`)).toMatchObject({ body: { posted: 0 } });
  });

  it('refuses a grant above the cap with what is used of it', async () => {
    const hanako = uuidv7();
    await send('postings', { holder: hanako, instruction: issue(4_000, 'activity:radio') });

    expect(await send('postings', { holder: hanako, instruction: issue(1_001, 'activity:radio') })).toMatchObject({
      status: 422,
      body: { code: 'cap-exceeded', cap: 'granted/fiscal-year/activity:radio', limit: 5000, used: 4000, asked: 1001 },
    });
    expect(
      await put(`../${kawasaki}-wrong`, {
        name: 'x',
        firstDay: '2020-01-01',
        rules: { ...rules, limits: [{ kind: 'balance', points: 5, per: 'day' }] },
      }),
    ).toMatchObject({
      status: 422,
      body: { errors: [{ field: 'rules.limits.0.per' }] },
    });
  });

  it('freezes an account and a programme, keeps who and why, and gives holds back meanwhile', async () => {
    const [hanako, hold] = [uuidv7(), uuidv7()];
    await grant(hanako, 100);
    await send('postings', { holder: hanako, instruction: { kind: 'hold', hold, amount: 60, places: [] } });

    expect(await put(`holders/${hanako}/freeze`, { frozen: true, reason: 'card lost' })).toMatchObject({
      status: 200,
      body: { frozen: true, changes: [{ reason: 'card lost', actor: 'clerk' }] },
    });
    expect(await put(`holders/${hanako}/freeze`, { frozen: true, reason: 'again' })).toMatchObject({
      body: { changes: [{ reason: 'card lost' }] },
    });
    expect(await send('postings', { holder: hanako, instruction: spend(1) })).toMatchObject({
      status: 422,
      body: { code: 'account-frozen' },
    });
    expect(await grant(hanako, 5)).toMatchObject({ status: 201 });
    await put(`holders/${hanako}/freeze`, { frozen: false, reason: 'card found' });
    expect(await send('postings', { holder: hanako, instruction: spend(1) })).toMatchObject({ status: 201 });

    expect(await put('freeze', { frozen: true, reason: 'attack' })).toMatchObject({ status: 200, body: { frozen: true } });
    expect(await grant(hanako, 5)).toMatchObject({ status: 422, body: { code: 'programme-frozen' } });
    expect(await send('postings', { holder: hanako, instruction: { kind: 'release', hold } })).toMatchObject({ status: 201 });
    expect(await put('freeze', { frozen: false, reason: 'over' })).toMatchObject({
      body: { frozen: false, changes: [{ reason: 'over' }, { reason: 'attack' }] },
    });
    expect(await read(`holders/${hanako}/freeze`)).toMatchObject({
      body: { frozen: false, debt: 0, changes: [{ frozen: false }, { frozen: true }] },
    });
  });

  it('lets one person adjust a little and two persons much', async () => {
    const hanako = uuidv7();

    expect(await send('adjustments', { holder: hanako, direction: 'add', amount: 1_000, reason: 'counted wrong' })).toMatchObject({
      status: 201,
      body: { balance: 1000 },
    });
    const asked = await send('adjustments', { holder: hanako, direction: 'take', amount: 1_001, reason: 'counted twice' });
    const adjustment = String(asked.body['adjustment']);
    const approvals = `adjustments/${adjustment}/approvals`;
    expect(asked).toMatchObject({ status: 202, body: { state: 'pending-approval', askedBy: 'clerk' } });
    expect(await read('adjustments')).toMatchObject({ body: [{ adjustment }] });
    expect(await send(approvals, { adjustment })).toMatchObject({ status: 403, body: { code: 'same-person' } });
    await grant(hanako, 500);
    expect(await send(approvals, { adjustment }, second)).toMatchObject({
      status: 201,
      body: { state: 'posted', approvedBy: 'head-of-section' },
    });
    expect(await send(approvals, { adjustment }, second)).toMatchObject({ status: 409, body: { code: 'already-approved' } });
    expect(await read('adjustments')).toMatchObject({ body: [] });
    expect(await read(`holders/${hanako}/balance`)).toMatchObject({ body: { posted: 499 } });
    expect(await read(`holders/${hanako}/history`)).toMatchObject({
      body: { lines: [{ kind: 'adjust', change: -1001, actor: 'clerk+head-of-section', reason: 'counted twice' }, {}, {}] },
    });
  });

  it('takes a grant back and lets the next grant pay what was gone', async () => {
    const hanako = uuidv7();
    const granted = await grant(hanako, 100);
    await send('postings', { holder: hanako, instruction: spend(80) });
    const body = { holder: hanako, of: granted.body['reference'], reason: 'wrong person' };

    expect(await send('reversals', body)).toMatchObject({ status: 201, body: { amount: 20, debt: 80, balance: 0 } });
    expect(await send('reversals', body)).toMatchObject({ status: 422, body: { code: 'reverse-exceeds' } });
    expect(await grant(hanako, 100)).toMatchObject({ status: 201, body: { amount: 100, balance: 20 } });
    expect(await read(`holders/${hanako}/freeze`)).toMatchObject({ body: { debt: 0 } });
  });
});
