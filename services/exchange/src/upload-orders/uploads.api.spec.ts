import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { everyTenant } from '@points/database';
import { linkHolders } from '@points/holders';
import { call, testService, type Called, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { createSigner, httpbis } from 'http-message-signatures';
import { exchange } from '../exchange.js';
import { fakeLedger, closedProgramme, type FakeLedger } from '../testing/fake-ledger.js';
import { toldPartner } from '../testing/told-partner.js';
import { mediaTypes } from './take-uploads.js';
import type { UploadKeyView } from './upload-keys.js';
import type { UploadView } from './upload.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const residents = Array.from({ length: 50 }, (_, n) => ({ holder: randomUUID(), myKeyId: `KAWASA${String(n).padStart(2, '0')}` }));
const myKeyId = (n: number) => residents[n % residents.length]?.myKeyId ?? '';

let service: TestService;
let ledger: FakeLedger;
let staff: string;
let chief: string;
let card: string;
let other: string;

beforeAll(async () => {
  service = await testService(exchange);
  ledger = await fakeLedger(service.topicPrefix);
  [staff, chief, card, other] = await Promise.all([
    service.token(
      ['partners:write', 'partners:approve', 'partners:read', 'exchange:read', 'exchange:write', 'exchange:on-behalf', 'history:write'],
      [kawasaki],
      'staff',
    ),
    service.token(['partners:write', 'partners:approve'], [kawasaki], 'chief'),
    service.token(['exchange:write', 'exchange:read'], [kawasaki], 'card-system'),
    service.token(['exchange:write', 'exchange:read'], [kawasaki], 'other-system'),
  ]);
  const registeredAt = new Date().toISOString();
  await service.database.transaction(everyTenant, (tx) =>
    linkHolders(
      tx,
      residents.map((one) => ({ ...one, registeredAt })),
    ),
  );
}, 60_000);

const onEnd: (() => void)[] = [];

afterAll(async () => {
  for (const end of onEnd) end();
  await ledger?.close();
  await service?.close();
});

const at = (path: string, of = programme) => `${service.url}/v1/municipalities/${kawasaki}/programmes/${of}/${path}`;
const newPartner = async (terms: object = {}, of = programme) => {
  const partner = `card-${randomUUID().slice(0, 8)}`;
  const cardTerms = { name: 'Card', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 100, clients: ['card-system'] };
  const { status } = await call(at(`partners/${partner}`, of), { method: 'PUT', token: staff, body: { ...cardTerms, ...terms } });
  expect(status).toBe(201);
  return partner;
};
const digestOf = (file: string) => `sha-256=:${createHash('sha256').update(file).digest('base64')}:`;
const upload = (
  partner: string,
  file: string,
  {
    query = '',
    token = card,
    headers = {},
    of = programme,
    key,
  }: { query?: string; token?: string; headers?: Record<string, string>; of?: string; key?: string } = {},
): Promise<Called<UploadView & { code?: string }>> =>
  call(at(`partners/${partner}/order-uploads${query}`, of), {
    token,
    body: file,
    ...(key !== undefined && { key }),
    headers: { 'content-type': 'text/csv', 'content-digest': digestOf(file), ...headers },
  });
const read = async (partner: string, id: string, of = programme) =>
  (await call<UploadView>(at(`partners/${partner}/order-uploads/${id}`, of), { token: card })).body;
const file = async (partner: string, id: string, name: string, of = programme) => {
  const answer = await fetch(at(`partners/${partner}/order-uploads/${id}/${name}`, of), { headers: { authorization: `Bearer ${card}` } });
  expect(answer.status).toBe(200);
  return answer.text();
};
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const ended = (partner: string, id: string, of = programme) =>
  eventually(
    async () => {
      const view = await read(partner, id, of);
      expect(view).toMatchObject({ endedAt: expect.any(String) as string });
      return view;
    },
    { timeoutMs: 120_000 },
  );
const csv = (rows: readonly (string | number)[][]) => `orderId,myKeyId,partnerPoints\n${rows.map((row) => `${row.join(',')}\n`).join('')}`;
const manyRows = (count: number, name: string) => csv(Array.from({ length: count }, (_, n) => [`${name}-${n}`, myKeyId(n), 100]));
const ordersOf = async (partner: string) =>
  (await call<{ orders: { orderId: string; state: string }[] }>(at(`partners/${partner}/exchange-orders?limit=200`), { token: card })).body
    .orders;

describe('a file of orders', () => {
  it('is booked line by line: good lines are, bad lines are told with line, field and reason', async () => {
    const partner = await newPartner();
    const text = csv([
      ['A-1', myKeyId(1), 500],
      ['A-2', myKeyId(2), 150],
      ['A-3', 'NOBODY00', 100],
      ['A-4', '?', 'x'],
      ['A-1', myKeyId(1), 500],
      ['A-1', myKeyId(1), 600],
      ['A-5', myKeyId(5), 200],
    ]);

    const taken = await upload(partner, text);
    const view = await ended(partner, taken.body.upload);

    expect(taken.status).toBe(202);
    expect(taken.headers.get('location')).toContain(taken.body.upload);
    expect(view).toMatchObject({ state: 'done', lines: 7, checked: 7, processed: 7, bad: 4, placed: 2, known: 1, booked: 2, refused: 0 });
    expect(linesOf(await file(partner, view.upload, 'errors?format=jsonl'))).toEqual([
      { line: 3, orderId: 'A-2', code: 'not-whole-lots', field: 'partnerPoints', reason: expect.stringContaining('lots of 100') as string },
      { line: 4, orderId: 'A-3', code: 'unknown-my-key-id', field: 'myKeyId', reason: expect.stringContaining('no holder') as string },
      { line: 5, orderId: 'A-4', code: 'invalid-line', field: 'myKeyId', reason: expect.stringContaining('My Key ID') as string },
      { line: 5, orderId: 'A-4', code: 'invalid-line', field: 'partnerPoints', reason: 'must be integer' },
      { line: 7, orderId: 'A-1', code: 'order-exists', field: 'orderId', reason: 'is that of line 2, which has other content' },
    ]);
    const results = linesOf(await file(partner, view.upload, 'results?format=jsonl'));
    expect(results.map(({ line, result }) => [line, result])).toEqual([
      [2, 'completed'],
      [3, 'bad'],
      [4, 'bad'],
      [5, 'bad'],
      [6, 'completed'],
      [7, 'bad'],
      [8, 'completed'],
    ]);
    expect(results[0]).toMatchObject({
      orderId: 'A-1',
      municipalPoints: 500,
      posting: expect.any(String) as string,
      bookedAt: expect.any(String) as string,
    });
    expect((await ordersOf(partner)).map((one) => one.orderId).sort()).toEqual(['A-1', 'A-5']);
  });

  it('of JSON Lines is booked the same, and its files come as CSV too', async () => {
    const partner = await newPartner();
    const text = `${JSON.stringify({ orderId: '注文-1', myKeyId: myKeyId(1), partnerPoints: 100, municipalPoints: 100 })}\n{"orderId":1}\n`;

    const { body } = await upload(partner, text, { headers: { 'content-type': 'application/x-ndjson' } });
    const view = await ended(partner, body.upload);

    expect(view).toMatchObject({ state: 'done', format: 'jsonl', lines: 2, bad: 1, booked: 1 });
    expect((await file(partner, view.upload, 'results')).split('\r\n').slice(0, 2)).toEqual([
      'line,orderId,result,municipalPoints,posting,bookedAt,code,reason',
      expect.stringMatching(/^1,注文-1,completed,100,[0-9a-f-]{36},/) as string,
    ]);
  });

  it('hears what the ledger refuses', async () => {
    const partner = await newPartner({}, closedProgramme);

    const { body } = await upload(partner, csv([['R-1', myKeyId(1), 100]]), { of: closedProgramme });
    const view = await ended(partner, body.upload, closedProgramme);

    expect(view).toMatchObject({ state: 'done', placed: 1, booked: 0, refused: 1 });
    expect(linesOf(await file(partner, view.upload, 'results?format=jsonl', closedProgramme))).toMatchObject([
      { result: 'refused', code: 'outside-period' },
    ]);
  });

  it('meets orders that exist: the same content is known, other content is an error', async () => {
    const partner = await newPartner();
    const placed = await call(at('exchange-orders'), {
      token: card,
      body: { orderId: 'API-1', myKeyId: myKeyId(1), partner, partnerPoints: 100 },
    });
    expect(placed.status).toBe(201);

    const { body } = await upload(partner, csv([['API-1', myKeyId(1), 100]]));
    const same = await ended(partner, body.upload);
    const changed = await ended(partner, (await upload(partner, csv([['API-1', myKeyId(1), 200]]))).body.upload);

    expect(same).toMatchObject({ bad: 0, known: 1, placed: 0 });
    expect(changed).toMatchObject({ bad: 1, known: 0, placed: 0 });
  });

  it('as a dry run is checked by the rules, with caps over all of its lines, and nothing is booked', async () => {
    const partner = await newPartner({ caps: [{ of: 'holder', per: 'day', points: 250 }] });
    // More than one batch lies between the orders of one person.
    const rows = [
      ['D-1', myKeyId(0), 200],
      ...Array.from({ length: 1_200 }, (_, n) => [`X-${n}`, 'NOBODY00', 100]),
      ['D-2', myKeyId(0), 100],
      ['D-3', myKeyId(1), 100],
    ];

    const { body } = await upload(partner, csv(rows), { query: '?dryRun=true' });
    const view = await ended(partner, body.upload);

    expect(view).toMatchObject({ state: 'done', dryRun: true, lines: 1_203, bad: 1_201, placed: 0, processed: 0 });
    expect(linesOf(await file(partner, view.upload, 'errors?format=jsonl')).at(-1)).toMatchObject({ orderId: 'D-2', code: 'cap-exceeded' });
    expect(linesOf(await file(partner, view.upload, 'results?format=jsonl')).at(-1)).toMatchObject({ orderId: 'D-3', result: 'good' });
    expect(await ordersOf(partner)).toEqual([]);
  });

  it('as a whole file is booked when all lines are good, and not at all when one is bad', async () => {
    const partner = await newPartner();
    const [good, bad] = [
      csv([['W-1', myKeyId(1), 100]]),
      csv([
        ['W-2', myKeyId(1), 100],
        ['W-3', myKeyId(1), 150],
      ]),
    ];

    const views = [];
    for (const text of [good, bad])
      views.push(await ended(partner, (await upload(partner, text, { query: '?mode=whole-file' })).body.upload));

    expect(views).toMatchObject([
      { state: 'done', booked: 1 },
      { state: 'failed', lines: 2, bad: 1, placed: 0, failure: { code: 'bad-lines' } },
    ]);
    expect((await ordersOf(partner)).map((one) => one.orderId)).toEqual(['W-1']);
    expect(linesOf(await file(partner, views[1]?.upload ?? '', 'results?format=jsonl')).map((one) => one.result)).toEqual([
      'not-booked',
      'bad',
    ]);
  });

  it.each([
    ['', 'no-header', /the file is empty/],
    ['a,b\n1,2\n', 'no-header', /"a" is not known/],
    ['orderId,myKeyId,partnerPoints\n\n', 'no-lines', /no line with an order/],
  ])('%j fails with the reason', async (text, code, detail) => {
    const partner = await newPartner();

    const view = await ended(
      partner,
      (await upload(partner, text, { headers: { 'content-length': String(Buffer.byteLength(text)) } })).body.upload,
    );

    expect(view).toMatchObject({ state: 'failed', failure: { code, detail: expect.stringMatching(detail) as string } });
  });

  it('brings history in with its times, with the scope for it only', async () => {
    const partner = await newPartner();
    const text = `orderId,myKeyId,partnerPoints,acceptedAt\nH-1,${myKeyId(1)},100,2018-02-28T09:00:00+09:00\n`;

    const without = await ended(partner, (await upload(partner, text)).body.upload);
    const withScope = await ended(partner, (await upload(partner, text, { token: staff })).body.upload);

    expect([without, withScope]).toMatchObject([
      { bad: 1, placed: 0 },
      { bad: 0, booked: 1 },
    ]);
    expect(ledger.asked.find((one) => one.reference.includes(`${partner}:H-1`))?.effectiveAt).toBe('2018-02-28T00:00:00.000Z');
  });
});

describe('the upload of a file', () => {
  it('is taken once for a key, and its answer given again', async () => {
    const partner = await newPartner();
    const text = csv([['K-1', myKeyId(1), 100]]);

    const [first, again] = [await upload(partner, text, { key: `k-${partner}` }), await upload(partner, text, { key: `k-${partner}` })];
    const different = await upload(partner, csv([['K-2', myKeyId(1), 100]]), { key: `k-${partner}` });

    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(different).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    await ended(partner, first.body.upload);
  });

  it.each([
    ['no Content-Digest', { 'content-digest': '' }, 400, 'content-digest-malformed'],
    ['a Content-Digest of other bytes', { 'content-digest': digestOf('other') }, 422, 'digest-mismatch'],
    ['a Content-Digest that is none', { 'content-digest': 'sha-256=abc' }, 400, 'content-digest-malformed'],
    ['another media type', { 'content-type': 'application/json' }, 415, 'unsupported-media-type'],
    ['an unknown media type', { 'content-type': 'application/pdf' }, 415, 'unsupported-media-type'],
  ])('with %s is refused and leaves nothing', async (_, headers, status, code) => {
    const partner = await newPartner();

    const answered = await upload(partner, '{}', { headers });

    expect(answered).toMatchObject({ status, body: { code } });
    expect((await call<{ uploads: UploadView[] }>(at(`partners/${partner}/order-uploads`), { token: card })).body.uploads).toEqual([]);
  });

  it('is refused to clients of others, and they do not see it', async () => {
    const partner = await newPartner();
    await newPartner({ clients: ['other-system'] });
    const { body } = await upload(partner, csv([['S-1', myKeyId(1), 100]]));

    const theirs = await upload(partner, csv([['S-2', myKeyId(1), 100]]), { token: other });
    const seen = await call(at(`partners/${partner}/order-uploads/${body.upload}`), { token: other });
    const listed = await call(at(`partners/${partner}/order-uploads`), { token: other });

    expect([theirs, seen, listed].map((one) => [one.status, one.body.code])).toEqual([
      [403, 'client-not-of-partner'],
      [404, 'unknown-upload'],
      [404, 'unknown-partner'],
    ]);
    await ended(partner, body.upload);
  });

  it('is refused where the partner’s orders cannot come in files', async () => {
    const partner = await newPartner({ kind: 'coupon-code' });

    expect(await upload(partner, csv([]))).toMatchObject({ status: 422, body: { code: 'partner-takes-no-uploads' } });
  });

  it('that breaks off leaves nothing, and the same key may come again', async () => {
    const partner = await newPartner();
    const text = manyRows(100, 'B');
    const key = `b-${partner}`;
    const sending = request(at(`partners/${partner}/order-uploads`), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${card}`,
        'idempotency-key': key,
        'content-type': 'text/csv',
        'content-digest': digestOf(text),
        'content-length': text.length,
      },
    });
    sending.on('error', () => undefined);
    sending.write(text.slice(0, 1_000));
    await eventually(async () => {
      const { body } = await call<{ uploads: UploadView[] }>(at(`partners/${partner}/order-uploads`), { token: card });
      expect(body.uploads.map((one) => one.state)).toEqual(['receiving']);
    });
    const meanwhile = await upload(partner, text, { key });
    sending.destroy();
    await eventually(async () => {
      const { body } = await call<{ uploads: UploadView[] }>(at(`partners/${partner}/order-uploads`), { token: card });
      expect(body.uploads).toEqual([]);
    });

    const again = await upload(partner, text, { key });

    expect(meanwhile).toMatchObject({ status: 409, body: { code: 'request-in-progress' } });
    expect(again.status).toBe(202);
    expect(await ended(partner, again.body.upload)).toMatchObject({ state: 'done', booked: 100 });
  });

  it('is described in OpenAPI by its media types, what a line holds, and the header fields that it needs', async () => {
    interface Described {
      readonly requestBody: { readonly content: Record<string, { readonly schema: object; readonly example: string }> };
      readonly parameters: readonly { readonly name: string; readonly required: boolean }[];
    }
    const { body } = await call<{ paths: Record<string, Record<string, Described>> }>(`${service.url}/openapi.json`);

    const { requestBody, parameters } =
      body.paths['/v1/municipalities/{municipality}/programmes/{programme}/partners/{partner}/order-uploads']?.['post'] ?? {};

    const lineOf = (media: string) => ({
      type: 'string',
      contentMediaType: media,
      contentSchema: { $ref: '#/components/schemas/OrderLine' },
    });
    expect(Object.keys(requestBody?.content ?? {})).toEqual(Object.keys(mediaTypes));
    for (const [media, { schema }] of Object.entries(requestBody?.content ?? {})) expect(schema).toMatchObject(lineOf(media));
    expect(parameters?.filter((one) => /^content|^signature/i.test(one.name)).map((one) => [one.name, one.required])).toEqual([
      ['Content-Digest', true],
      ['Signature-Input', false],
      ['Signature', false],
    ]);
    // What it says is an example is one.
    const partner = await newPartner();
    for (const [media, format] of Object.entries(mediaTypes)) {
      const example = requestBody?.content[media]?.example ?? '';
      const { body: taken } = await upload(partner, example, { headers: { 'content-type': media } });
      expect(await ended(partner, taken.upload)).toMatchObject({ format, lines: 1, bad: 0 });
    }
  });

  it('is told to its partner when it has ended, once, with its numbers or with why nothing was booked', async () => {
    const partner = await newPartner();
    const rows = csv([
      ['T-1', myKeyId(1), 100],
      ['T-2', myKeyId(2), 150],
    ]);

    const [booked, failed, tried] = [
      await ended(partner, (await upload(partner, rows)).body.upload),
      await ended(partner, (await upload(partner, rows, { query: '?mode=whole-file' })).body.upload),
      await ended(partner, (await upload(partner, rows, { query: '?dryRun=true' })).body.upload),
    ];

    const about = { programme, partner, lines: 2, bad: 1, refused: 0, inReview: 0 };
    const none = { placed: 0, booked: 0, known: 1 };
    expect(await toldPartner(service, partner, 'order-upload.ended')).toEqual([
      { ...about, upload: booked.upload, state: 'done', dryRun: false, known: 0, placed: 1, booked: 1, endedAt: booked.endedAt },
      {
        ...{ ...about, ...none, upload: failed.upload, state: 'failed', dryRun: false, endedAt: failed.endedAt },
        ...{ code: 'bad-lines', detail: '1 of 2 lines have errors; nothing was booked' },
      },
      { ...about, ...none, upload: tried.upload, state: 'done', dryRun: true, endedAt: tried.endedAt },
    ]);
  });

  it('may be cancelled: what is booked stays, the rest never comes', async () => {
    const partner = await newPartner();
    ledger.fallSilent();
    const { body } = await upload(partner, manyRows(6_000, 'C'));
    // The ledger is silent, so it stops at the most orders that may wait.
    await eventually(async () => expect((await read(partner, body.upload)).placed).toBe(4_000), { timeoutMs: 20_000 });

    const asked = await call<UploadView>(at(`partners/${partner}/order-uploads/${body.upload}/cancellations`), { token: card, body: {} });
    await ledger.speak();
    const view = await ended(partner, body.upload);
    const late = await call(at(`partners/${partner}/order-uploads/${body.upload}/cancellations`), { token: card, body: {} });

    expect(asked).toMatchObject({ status: 202, body: { state: 'booking' } });
    expect(view).toMatchObject({ state: 'cancelled', lines: 6_000, placed: 4_000, booked: 4_000 });
    expect(late).toMatchObject({ status: 409, body: { code: 'nothing-to-cancel' } });
    const results = linesOf(await file(partner, body.upload, 'results?format=jsonl'));
    expect(results.filter((one) => one.result === 'not-booked')).toHaveLength(2_000);
  }, 60_000);
});

describe('a signed upload', () => {
  const pairs = {
    ed25519: generateKeyPairSync('ed25519'),
    'ecdsa-p256-sha256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  } as const;
  type Algorithm = keyof typeof pairs;
  const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
  const register = (partner: string, kid: string, body: object) =>
    call<UploadKeyView & { code?: string }>(at(`partners/${partner}/upload-keys/${kid}`), { method: 'PUT', token: staff, body });
  const approve = (partner: string, kid: string, fingerprint: string, token = chief) =>
    call<UploadKeyView & { code?: string }>(at(`partners/${partner}/upload-keys/${kid}/approvals`), { token, body: { fingerprint } });
  const fields = ['@method', '@path', '@query', 'content-digest', 'content-type'];
  const sign = async (
    partner: string,
    text: string,
    algorithm: Algorithm,
    changes: { fields?: string[]; created?: Date; nonce?: string; query?: string } = {},
  ) => {
    const { headers } = await httpbis.signMessage(
      {
        key: createSigner(pairs[algorithm].privateKey, algorithm, `${algorithm}-1`),
        fields: changes.fields ?? fields,
        params: ['created', 'keyid', 'nonce'],
        paramValues: { created: changes.created ?? new Date(), nonce: changes.nonce ?? randomUUID() },
      },
      {
        method: 'POST',
        url: at(`partners/${partner}/order-uploads${changes.query ?? ''}`),
        headers: { 'content-type': 'text/csv', 'content-digest': digestOf(text) },
      },
    );
    return headers as Record<string, string>;
  };
  const signedPartner = async (algorithm: Algorithm = 'ed25519', dates: object = {}) => {
    const partner = await newPartner();
    const { status, body } = await register(partner, `${algorithm}-1`, { publicKey: pem(pairs[algorithm].publicKey), ...dates });
    expect([status, body.state]).toEqual([201, 'waiting']);
    expect((await approve(partner, `${algorithm}-1`, body.fingerprint)).status).toBe(201);
    return partner;
  };

  it.each(['ed25519', 'ecdsa-p256-sha256'] as const)('with %s is taken', async (algorithm) => {
    const partner = await signedPartner(algorithm);
    const text = csv([['SIG-1', myKeyId(1), 100]]);

    const taken = await upload(partner, text, { headers: await sign(partner, text, algorithm) });

    expect(taken).toMatchObject({ status: 202, body: { kid: `${algorithm}-1` } });
    await ended(partner, taken.body.upload);
  });

  it('is needed from the first approved key on', async () => {
    const partner = await signedPartner();

    expect(await upload(partner, csv([]))).toMatchObject({ status: 401, body: { code: 'signature-missing' } });
  });

  it('by a key that waits for a second person is worth nothing, and keeps no other file out', async () => {
    const partner = await newPartner();
    const text = csv([['SIG-5', myKeyId(1), 100]]);
    await register(partner, 'ed25519-1', { publicKey: pem(pairs.ed25519.publicKey) });

    const signed = await upload(partner, text, { headers: await sign(partner, text, 'ed25519') });
    const unsigned = await upload(partner, text);

    expect([signed.status, signed.body.code, unsigned.status]).toEqual([401, 'signature-key-unknown', 202]);
    await ended(partner, unsigned.body.upload);
  });

  it('has a key that another person approves, once, by the fingerprint of the key that is meant', async () => {
    const partner = await newPartner();
    const publicKey = pem(pairs.ed25519.publicKey);
    const { body: key } = await register(partner, 'k', { publicKey });
    const { body: over } = await register(partner, 'over', { publicKey });
    await register(partner, 'over', { publicKey, to: over.from });

    const answers = [
      await approve(partner, 'k', key.fingerprint, staff),
      await approve(partner, 'k', `sha256:${'0'.repeat(64)}`),
      await approve(partner, 'none', key.fingerprint),
      await approve(partner, 'over', over.fingerprint),
      await approve(partner, 'k', key.fingerprint, card),
      await approve(partner, 'k', key.fingerprint),
      await approve(partner, 'k', key.fingerprint),
    ];

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [403, 'same-person'],
      [422, 'invalid-request'],
      [404, 'unknown-key'],
      [409, 'already-decided'],
      [403, 'scope-missing'],
      [201, undefined],
      [409, 'already-decided'],
    ]);
    expect(key).toMatchObject({ state: 'waiting', registeredBy: 'staff' });
    expect(key).not.toHaveProperty('approvedBy');
    expect(answers[5]?.body).toMatchObject({ state: 'approved', approvedBy: 'chief', approvedAt: expect.any(String) as string });
  });

  it.each([
    [
      'of another file',
      async (partner: string, text: string) => ({ ...(await sign(partner, 'other', 'ed25519')), 'content-digest': digestOf(text) }),
      'signature-invalid',
    ],
    ['of another query', (partner: string, text: string) => sign(partner, text, 'ed25519', { query: '?dryRun=true' }), 'signature-invalid'],
    ['by an unknown key', (partner: string, text: string) => sign(partner, text, 'ecdsa-p256-sha256'), 'signature-key-unknown'],
    [
      'that leaves the digest out',
      (partner: string, text: string) => sign(partner, text, 'ed25519', { fields: ['@method', '@path', '@query', 'content-type'] }),
      'signature-invalid',
    ],
    [
      'of ten minutes ago',
      (partner: string, text: string) => sign(partner, text, 'ed25519', { created: new Date(Date.now() - 600_000) }),
      'signature-invalid',
    ],
    [
      'of the future',
      (partner: string, text: string) => sign(partner, text, 'ed25519', { created: new Date(Date.now() + 600_000) }),
      'signature-invalid',
    ],
    ['that cannot be read', () => Promise.resolve({ signature: '((', 'signature-input': '((' }), 'signature-invalid'],
  ])('%s is refused', async (_, signed, code) => {
    const partner = await signedPartner();
    const text = csv([['SIG-2', myKeyId(1), 100]]);

    expect(await upload(partner, text, { headers: await signed(partner, text) })).toMatchObject({ status: 401, body: { code } });
  });

  it('is refused the second time under a new key of its request', async () => {
    const partner = await signedPartner();
    const text = csv([['SIG-3', myKeyId(1), 100]]);
    const headers = await sign(partner, text, 'ed25519');

    const [first, second] = [await upload(partner, text, { headers }), await upload(partner, text, { headers })];

    expect([first.status, second.status, second.body.code]).toEqual([202, 409, 'signature-replayed']);
    await ended(partner, first.body.upload);
  });

  it('is refused once its key has ended, and a key ends sooner only', async () => {
    const partner = await signedPartner();
    const text = csv([['SIG-4', myKeyId(1), 100]]);
    const publicKey = pem(pairs.ed25519.publicKey);

    const endedKey = await register(partner, 'ed25519-1', { publicKey, to: new Date(Date.now() + 1).toISOString() });
    const later = await register(partner, 'ed25519-1', { publicKey, to: new Date(Date.now() + 60_000).toISOString() });
    const other = await register(partner, 'ed25519-1', { publicKey: pem(generateKeyPairSync('ed25519').publicKey) });

    expect([endedKey.status, later.status, other.status]).toEqual([200, 409, 409]);
    await eventually(async () =>
      expect(await upload(partner, text, { headers: await sign(partner, text, 'ed25519') })).toMatchObject({
        status: 401,
        body: { code: 'signature-key-unknown' },
      }),
    );
  });

  it.each([
    ['is no PEM', 'x'],
    ['is private', pairs.ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['is of RSA', pem(generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey)],
    ['is of another curve', pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)],
  ])('has no key that %s', async (_, publicKey) => {
    const partner = await newPartner();

    expect(await register(partner, 'k', { publicKey })).toMatchObject({ status: 422, body: { errors: [{ field: 'publicKey' }] } });
  });
});

describe('a worker that is killed', () => {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

  it('leaves its upload to the next one, which books what is left and nothing twice', async () => {
    const partner = await newPartner();
    const count = 12_000;
    // Received, and left alone: this service stops before it has come far.
    const { body } = await upload(partner, manyRows(count, partner));
    await service.stop();
    const ask = <Row extends object>(sql: string, value: string) =>
      service.fresh.database.transaction(everyTenant, (tx) => tx.query<Row & Record<string, unknown>>(sql, [value]));
    const processed = async () =>
      (await ask<{ processed: number }>('select processed from order_upload where id = $1', body.upload))[0]?.processed ?? 0;
    const child = () =>
      spawn(process.execPath, [main], {
        env: {
          PORT: '0',
          DATABASE_URL: service.fresh.url,
          KAFKA_BROKERS: service.brokers.join(','),
          TOPIC_PREFIX: service.topicPrefix,
          TOKEN_ISSUER: 'http://identity.test',
          TOKEN_JWKS_URL: 'http://identity.test/jwks',
          LOG_LEVEL: 'warn',
        },
        stdio: 'inherit',
      });

    const running: ChildProcess[] = [];
    onEnd.push(() => running.forEach((one) => one.kill('SIGKILL')));
    const kills: number[] = [];
    for (const wanted of [2_000, 6_000]) {
      const worker = child();
      running.push(worker);
      await eventually(async () => expect(await processed()).toBeGreaterThanOrEqual(wanted), { timeoutMs: 90_000, everyMs: 10 });
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      kills.push(await processed());
      // As if its lease had ended.
      await ask('update order_upload set lease_until = now() where id = $1', body.upload);
    }
    service = await service.again();
    const view = await ended(partner, body.upload);

    expect(kills.every((processed) => processed < count)).toBe(true);
    expect(view).toMatchObject({ state: 'done', lines: count, processed: count, placed: count, booked: count, bad: 0, known: 0 });
    expect(new Set(ledger.asked.filter((one) => one.reference.includes(partner)).map((one) => one.reference)).size).toBe(count);
    const orders = await ask(
      'select count(*)::int as n, sum(municipal_points)::int as points from exchange_order where partner = $1',
      partner,
    );
    expect(orders).toEqual([{ n: count, points: count * 100 }]);
  }, 300_000);
});
