import { uuidv7 } from '@points/kernel';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { ledger } from '../ledger.js';

const kawasaki = '141305';
const programme = `${kawasaki}-flood`;
const touched = (lots: number, points: number, holders: number) => ({ lots, points, holders });

describe('staff of a municipality after a flood', () => {
  let service: TestService;
  let url: string;
  let clerk: string;
  let head: string;
  let reader: string;
  beforeAll(async () => {
    service = await testService(ledger);
    const scopes = ['programmes:write', 'ledger:post', 'ledger:read', 'ledger:extend', 'ledger:approve'];
    clerk = await service.token(scopes, [kawasaki], 'clerk');
    head = await service.token(scopes, [kawasaki], 'head-of-section');
    reader = await service.token(['ledger:read'], [kawasaki], 'reader');
    url = `${service.url}/v1/municipalities/${kawasaki}/programmes/${programme}`;
    const rules = { expiry: { kind: 'fixed-day', day: '2099-03-31' }, usableAt: [], adjustmentAlone: 500 };
    expect(await call(url, { method: 'PUT', token: clerk, body: { name: 'ポイント', firstDay: '2020-01-01', rules } })).toMatchObject({
      status: 201,
    });
  }, 30_000);
  afterAll(() => service?.close());

  const send = (path: string, body: object, token = clerk, key?: string) =>
    call(`${url}/${path}`, { token, body, ...(key !== undefined && { key }) });
  const read = (path: string, headers: Record<string, string> = {}) => call(`${url}/${path}`, { token: reader, headers });
  const grant = async (amount: number) => {
    const holder = uuidv7();
    const instruction = { kind: 'issue', amount, source: 'activity:radio', funding: 'free' };
    expect(await send('postings', { holder, instruction })).toMatchObject({ status: 201 });
    return holder;
  };
  const done = (extension: unknown) =>
    eventually(async () => {
      const answer = await read(`extensions/${String(extension)}`);
      expect(answer.body).toMatchObject({ state: 'done' });
      return answer.body;
    });

  it('try an extension, order it once however often they send it, and read what it moved as JSON and as CSV', async () => {
    const [hanako, taro, stranger] = [await grant(300), await grant(200), uuidv7()];
    const body = { holders: [hanako, taro, stranger], lastDay: '2099-06-30', reason: '令和の洪水' };
    const key = uuidv7();

    const dry = await send('extensions?dryRun=true', body);
    const first = await send('extensions', body, clerk, key);
    const again = await send('extensions', body, clerk, key);
    const extension = first.body['extension'];

    expect(dry).toMatchObject({
      status: 200,
      body: { dryRun: true, ...touched(2, 500, 2), alreadyLater: 0, holdersAsked: 3, needsApproval: false },
    });
    expect(first).toMatchObject({ status: 202, body: { state: 'running', expected: touched(2, 500, 2), extended: touched(0, 0, 0) } });
    expect(again).toMatchObject({ status: 202, body: { extension } });
    expect(await done(extension)).toMatchObject({ extended: touched(2, 500, 2), askedBy: 'clerk', reason: '令和の洪水' });
    const lots = await read(`extensions/${String(extension)}/lots?limit=1`);
    const rest = await read(`extensions/${String(extension)}/lots?after=${String(lots.body['next'])}`);
    const [line] = lots.body['lines'] as Record<string, unknown>[];
    expect(line).toMatchObject({ fromDay: '2099-03-31', toDay: '2099-06-30', source: 'activity:radio' });
    expect(rest.body).toMatchObject({ lines: [{ toDay: '2099-06-30' }], next: null });
    expect((await read(`extensions/${String(extension)}/lots?format=csv`)).body['text']).toMatch(
      /fromDay,toDay.*\r\n.*2099-03-31,2099-06-30/s,
    );
    expect(await read(`holders/${hanako}/balance`)).toMatchObject({ body: { lots: [{ expiresAt: '2099-06-30T15:00:00.000Z' }] } });
    expect(await read(`holders/${hanako}/history?kind=extend`)).toMatchObject({
      body: {
        lines: [
          {
            kind: 'extend',
            change: 0,
            amount: 300,
            actor: 'clerk',
            reason: '令和の洪水',
            extended: [{ points: 300, from: '2099-03-31T15:00:00.000Z', to: '2099-06-30T15:00:00.000Z' }],
          },
        ],
      },
    });
    expect(await read('extensions')).toMatchObject({ body: [{ extension, state: 'done' }] });
  });

  it('need a second person for more points than one may adjust alone', async () => {
    await grant(501);
    const asked = await send('extensions', { days: 30, endingTo: '2099-03-31', reason: 'a flood' });
    const extension = String(asked.body['extension']);
    const approve = (token: string) => send(`extensions/${extension}/approvals`, { extension }, token);

    expect(asked).toMatchObject({ status: 202, body: { state: 'pending-approval' } });
    expect(await approve(clerk)).toMatchObject({ status: 403, body: { code: 'same-person' } });
    expect(await approve(head)).toMatchObject({ status: 202, body: { state: 'running', approvedBy: 'head-of-section' } });
    expect(await done(extension)).toMatchObject({ extended: touched(1, 501, 1) });
    expect(await approve(head)).toMatchObject({ status: 409, body: { code: 'already-approved' } });
  });

  it('are told what is wrong', async () => {
    const days = { days: 30, reason: 'a flood' };

    expect(await send('extensions', days, reader)).toMatchObject({ status: 403 });
    expect(await send('extensions', { ...days, lastDay: '2099-12-31' })).toMatchObject({
      status: 422,
      body: { code: 'invalid-request', errors: [{ field: 'lastDay' }] },
    });
    expect(await send('extensions', { ...days, holders: ['hanako'] })).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
    expect(await send('extensions', { ...days, holders: [uuidv7()] })).toMatchObject({ status: 422, body: { code: 'nothing-to-extend' } });
    expect(await read(`extensions/${uuidv7()}`)).toMatchObject({ status: 404, body: { code: 'unknown-extension' } });
    expect(await read(`extensions/${uuidv7()}/lots`)).toMatchObject({ status: 404, body: { code: 'unknown-extension' } });
  });
});
