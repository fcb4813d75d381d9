import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCardScheme, type CardScheme, type CardSchemeOptions } from './card-scheme.js';

const running: CardScheme[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((scheme) => scheme.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function aScheme(options: Partial<CardSchemeOptions> = {}): Promise<CardScheme> {
  const scheme = await startCardScheme({ port: 0, ...options });
  running.push(scheme);
  return scheme;
}

function aFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'card-scheme-'));
  folders.push(folder);
  return join(folder, 'credits.jsonl');
}

async function put(scheme: CardScheme, id: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${scheme.url}/schemes/${encodeURIComponent('ブレカ')}/credits/${encodeURIComponent(id)}`, {
    method: 'PUT',
    headers,
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { receipt?: string; code?: string } };
}

const control = (scheme: CardScheme, changes: object) =>
  fetch(`${scheme.url}/control`, { method: 'PUT', body: JSON.stringify(changes) }).then((response) => response.status);

const asked = { member: 'WH7KTXH4', points: 500 };

it('answers a repeated id with the first receipt and credits once', async () => {
  const scheme = await aScheme();

  const first = await put(scheme, '141305-trial:BRE-0001', asked);
  const second = await put(scheme, '141305-trial:BRE-0001', asked);

  expect(first).toMatchObject({ status: 200, body: { receipt: 'CS-00000001' } });
  expect(second).toEqual(first);
  expect(scheme.credits('ブレカ')).toMatchObject([{ id: '141305-trial:BRE-0001', ...asked }]);
});

it('refuses an id that was used with other content', async () => {
  const scheme = await aScheme();
  await put(scheme, '1', asked);

  expect(await put(scheme, '1', { ...asked, points: 501 })).toMatchObject({ status: 409, body: { code: 'credit-exists' } });
  expect(scheme.credits('ブレカ')).toHaveLength(1);
});

it('gives a refused id the same refusal for ever', async () => {
  const scheme = await aScheme({ control: { refuseEvery: 2 } });
  await put(scheme, '1', asked);

  const refusals = [await put(scheme, '2', asked), await put(scheme, '2', asked)];

  expect(refusals).toMatchObject([
    { status: 422, body: { code: 'card-blocked' } },
    { status: 422, body: { code: 'card-blocked' } },
  ]);
  expect((await put(scheme, '3', asked)).status).toBe(200);
});

it('refuses members with the configured ending', async () => {
  const scheme = await aScheme();
  expect(await control(scheme, { refuseSuffix: 'H4' })).toBe(200);

  expect(await put(scheme, '1', asked)).toMatchObject({ status: 422, body: { code: 'unknown-member' } });
});

it.each([{ points: 5 }, { member: 'A', points: 0 }, { member: 'A', points: 1.5 }, { member: 'A B', points: 1 }, 'text', null])(
  'credits nothing for the body %j',
  async (body) => {
    const scheme = await aScheme();

    expect((await put(scheme, '1', body)).status).toBe(400);
    expect(scheme.credits('ブレカ')).toEqual([]);
  },
);

it('credits nothing while it is unavailable', async () => {
  const scheme = await aScheme();
  await control(scheme, { mode: 'unavailable' });

  expect((await put(scheme, '1', asked)).status).toBe(503);
  expect(scheme.credits('ブレカ')).toEqual([]);
});

it('has credited although its answer was lost, and says so when asked again', async () => {
  const scheme = await aScheme({ control: { mode: 'lost-answer' } });
  await expect(put(scheme, '1', asked)).rejects.toThrow();

  await control(scheme, { mode: 'up' });

  expect(await put(scheme, '1', asked)).toMatchObject({ status: 200, body: { receipt: 'CS-00000001' } });
  expect(scheme.credits('ブレカ')).toHaveLength(1);
});

it('asks for its secret', async () => {
  const scheme = await aScheme({ secret: 's3cret' });

  expect((await put(scheme, '1', asked)).status).toBe(401);
  expect((await put(scheme, '1', asked, { authorization: 'Bearer s3cret' })).status).toBe(200);
});

it('knows its credits after a restart, and forgets a line that a crash cut off', async () => {
  const stateFile = aFile();
  const first = await aScheme({ stateFile });
  const { body } = await put(first, '1', asked);
  await first.stop();
  appendFileSync(stateFile, '{"scheme":"ブレカ","id":"2","mem');

  const second = await aScheme({ stateFile });

  expect(await put(second, '1', asked)).toEqual({ status: 200, body });
  expect(await put(second, '2', asked)).toMatchObject({ status: 200, body: { receipt: 'CS-00000002' } });
  await second.stop();
  expect((await aScheme({ stateFile })).credits('ブレカ')).toHaveLength(2);
});

it('does not take a control that it does not know', async () => {
  const scheme = await aScheme();

  expect(await control(scheme, { mode: 'sideways' })).toBe(422);
  expect(await control(scheme, { colour: 'red' })).toBe(422);
  expect(scheme.control.mode).toBe('up');
});

describe('the file of a day', () => {
  const header = '\uFEFFcreditId,member,points,requestedAt\r\n';
  const line = (id: string, changes: { member?: string; points?: number } = {}) =>
    `${id},${changes.member ?? asked.member},${changes.points ?? 500},2026-03-02T03:00:00.000Z\r\n`;
  const post = async (scheme: CardScheme, text: string) => {
    const response = await fetch(`${scheme.url}/schemes/${encodeURIComponent('ブレカ')}/files`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: text,
    });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const results = (...lines: readonly string[]) =>
    ['"creditId","result","reason","receipt","points"', ...lines].map((one) => `${one}\r\n`).join('');

  it('is credited line by line and answered with the results, the same ones when it comes again', async () => {
    const scheme = await aScheme({ control: { refuseEvery: 2 } });
    const file = header + line('t:1') + line('t:2') + line('"t:a, b"');

    const first = await post(scheme, file);

    expect(first).toEqual({
      status: 200,
      type: 'text/csv; charset=utf-8',
      text: results(
        '"t:1","accepted","","CS-00000001","500"',
        '"t:2","refused","the card is blocked","","500"',
        '"t:a, b","accepted","","CS-00000003","500"',
      ),
    });
    expect(await post(scheme, file)).toEqual(first);
    expect(scheme.credits('ブレカ').map((one) => one.id)).toEqual(['t:1', 't:a, b']);
    expect(await put(scheme, 't:1', asked)).toMatchObject({ status: 200, body: { receipt: 'CS-00000001' } });
  });

  it('has lines that are passed over while it is told to', async () => {
    const scheme = await aScheme({ control: { silentEvery: 2 } });
    const file = header + line('t:1') + line('t:2');

    expect((await post(scheme, file)).text).toBe(results('"t:1","accepted","","CS-00000001","500"'));
    expect(await control(scheme, { silentEvery: null })).toBe(200);
    expect((await post(scheme, file)).text).toContain('"t:2","accepted"');
  });

  it('without lines has results without lines', async () => {
    expect(await post(await aScheme(), header)).toMatchObject({ status: 200, text: results() });
  });

  it.each([
    ['', 422],
    ['creditId,points\r\nt:1,5\r\n', 422],
    [header + line('t:1') + line('t:2', { points: 0 }), 422],
    [header + line('t:1') + line('t:2', { member: 'A B' }), 422],
    [header + line('t:1') + 't:2,A\r\n', 422],
  ])('%j is refused whole', async (text, status) => {
    const scheme = await aScheme();

    expect((await post(scheme, text)).status).toBe(status);
    expect(scheme.credits('ブレカ')).toEqual([]);
  });

  it('with an id that has other content is refused whole', async () => {
    const scheme = await aScheme();
    await put(scheme, 't:2', asked);

    expect((await post(scheme, header + line('t:1') + line('t:2', { points: 501 }))).status).toBe(409);
    expect(scheme.credits('ブレカ')).toHaveLength(1);
  });
});
