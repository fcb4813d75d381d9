import { uuidv7 } from '@points/kernel';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { ledger } from '../ledger.js';
import { checkProof, type Proof } from './proof.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const trial = {
  name: '川崎市実証実験ポイント',
  firstDay: '2017-11-20',
  lastDay: '2018-11-30',
  historyOpen: true,
  rules: { expiry: { kind: 'days-after-grant', days: 100 }, usableAt: [] },
};

describe('the chain over HTTP', () => {
  let service: TestService;
  let token: string;
  let url: string;
  beforeAll(async () => {
    service = await testService(ledger);
    token = await service.token(['programmes:write', 'ledger:post', 'ledger:read', 'history:write'], [kawasaki]);
    url = `${service.url}/v1/municipalities/${kawasaki}/programmes/${programme}`;
    await call(url, { method: 'PUT', token, body: trial });
  }, 30_000);
  afterAll(() => service?.close());

  const line = (reference: string, holder: string, instruction: object, effectiveAt = '2018-01-10T09:00:00+09:00') => ({
    reference: `history:${reference}`,
    holder,
    instruction,
    effectiveAt,
  });
  const issue = { kind: 'issue', amount: 1000, source: 'partner:mobile-a', funding: 'paid' };

  it('takes history in line by line, names what is wrong, seals it, and proves one posting to an outsider', async () => {
    const [hanako, taro] = [uuidv7(), uuidv7()];
    const lines = [
      line('1', hanako, issue),
      line('2', hanako, { kind: 'spend', amount: 300, to: 'merchant:m', places: [] }, '2018-01-11T09:00:00+09:00'),
      line('3', taro, { kind: 'spend', amount: 300, to: 'merchant:m', places: [] }),
      {
        ...line('4', taro, { kind: 'issue', amount: 1.5, source: 'partner:mobile-a', funding: 'paid', hold: 'x' }),
        effectiveAt: '2018-02-30T09:00:00+09:00',
        colour: 1,
      },
      line('5', taro, issue, '2016-01-01T09:00:00+09:00'),
      line('6', hanako, { kind: 'refund', of: 'history:2', amount: 100 }, '2018-01-12T09:00:00+09:00'),
    ];

    const imported = await call(`${url}/imports?results=all`, { token, body: { lines } });
    const again = await call(`${url}/imports`, { token, body: { lines } });

    expect(imported).toMatchObject({
      status: 200,
      body: {
        posted: 3,
        refused: 2,
        invalid: 1,
        lines: [
          { line: 1, status: 'posted' },
          { line: 2, status: 'posted' },
          { line: 3, reference: 'history:3', status: 'refused', code: 'insufficient-points' },
          {
            line: 4,
            status: 'invalid',
            errors: [{ field: 'colour' }, { field: 'effectiveAt' }, { field: 'instruction.hold', reason: 'does not belong to issue' }],
          },
          { line: 5, status: 'refused', code: 'outside-period' },
          { line: 6, status: 'posted' },
        ],
      },
    });
    expect(again).toMatchObject({
      body: { posted: 0, repeated: 3, refused: 2, invalid: 1, lines: [{ line: 3 }, { line: 4 }, { line: 5 }] },
    });

    const { posting } = (imported.body as { lines: { posting: string }[] }).lines[1] ?? { posting: '' };
    await eventually(async () => expect(await call(`${url}/transfers/${posting}/proof`, { token })).toMatchObject({ status: 200 }), {
      timeoutMs: 20_000,
    });
    const proof = (await call(`${url}/transfers/${posting}/proof`, { token })).body as unknown as Proof;
    const head = await call(`${url}/chain/head`, { token });
    expect(head).toMatchObject({ status: 200, body: { programme, hash: proof.headers[0]?.hash } });
    expect(checkProof(proof, (head.body as { hash: string }).hash)).toEqual([]);
    expect(JSON.parse(proof.leaf)).toEqual(expect.arrayContaining([`holder:${hanako}`, 'spend', 'merchant:m', 300]));
    expect(await call(`${url}/transfers/${posting}/proof?head=9999`, { token })).toMatchObject({
      status: 422,
      body: { code: 'head-too-old' },
    });
    expect(await call(`${url}/transfers/${uuidv7()}/proof`, { token })).toMatchObject({ status: 404, body: { code: 'not-sealed-yet' } });
  });

  it('takes no history where the programme is closed to it, and gives nobody else a proof', async () => {
    await call(url, { method: 'PUT', token, body: { ...trial, historyOpen: false } });

    expect(await call(`${url}/imports`, { token, body: { lines: [line('9', uuidv7(), issue)] } })).toMatchObject({
      status: 422,
      body: { code: 'history-closed' },
    });
    expect(await call(`${url}/imports`, { token, body: { lines: [] } })).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
    const stranger = await service.token(['ledger:read'], ['432067']);
    expect(await call(`${url}/chain/head`, { token: stranger })).toMatchObject({ status: 403 });
  });
});
