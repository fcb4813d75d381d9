import { everyTenant } from '@points/database';
import { addDays, jstDateOf, parseInstant } from '@points/kernel';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import { createHash, randomUUID } from 'node:crypto';
import { exchangeProcess } from '../testing/exchange-process.js';
import { exchangeStory, type ExchangeStory, type Resident } from '../testing/exchange-story.js';
import { fakeLedger } from '../testing/fake-ledger.js';
import { answerWithinMs } from '../waiting.js';
import { aPerson, registerPerson } from '../testing/linked-holder.js';
import { startSimulatorProcess, type SimulatorProcess } from '../testing/simulator-process.js';
import pg from 'pg';

const programme = '141305-trial';
const scheme = 'ブレカ';
const schemePath = `schemes/${encodeURIComponent(scheme)}`;
const byFile = { name: 'モトスミ・ブレーメン通り', delivery: 'file', cutOffHour: 22, giveBackAfterDays: 7, clients: ['bureka-system'] };
const yesterday = () => addDays(jstDateOf(parseInstant(new Date().toISOString())), -1);
const newId = () => `BRE-${randomUUID().slice(0, 8)}`;

/** As if it were the night after the conversions: their file was due yesterday. */
const heldBefore = `update conversion set held_at = held_at - interval '3 days' where delivery = 'file' and file_day is null`;
const fileIsDue = `update scheme_file_plan set next_day = (now() at time zone 'Asia/Tokyo')::date - 1, due_at = now()`;

describe('a card scheme that takes files', () => {
  let story: ExchangeStory;
  let card: SimulatorProcess;
  /** The scheme's own system, and that of another scheme. */
  let bureka: string;
  let stranger: string;
  let hanako: Resident;

  beforeAll(async () => {
    const staffScopes = ['schemes:write', 'conversions:write', 'conversions:read', 'scheme-files:read', 'scheme-files:write'];
    [story, card] = await Promise.all([exchangeStory(programme, staffScopes), startSimulatorProcess('card-scheme')]);
    const own = (client: string) => story.service.token(['scheme-files:read', 'scheme-files:write'], ['141305'], client);
    [bureka, stranger] = await Promise.all([own('bureka-system'), own('himawari-system')]);
    const [first] = story.residents;
    if (!first) throw new Error('there are residents');
    hanako = first;
    expect((await story.put(schemePath, byFile)).status).toBe(201);
    const partner = await story.newPartner();
    await story.send('exchange-orders', { orderId: newId(), myKeyId: hanako.myKeyId, partner, partnerPoints: 10_000 });
  }, 60_000);
  afterAll(async () => {
    await story?.close();
    await card?.stop();
  });

  const control = async (changes: object) => expect((await call(`${card.url}/control`, { method: 'PUT', body: changes })).status).toBe(200);
  const convert = (points: number, conversionId = newId()) =>
    story.send('conversions', { conversionId, myKeyId: hanako.myKeyId, scheme, points });
  const stateOf = async (conversionId: unknown) => (await story.read(`conversions/${String(conversionId)}`)).body.state;
  const sendResults = (text: string, token = bureka, key: string = randomUUID()) =>
    call<{ code?: string; accepted: number; refused: number; unchanged: number; resultFile: string; contradictions: { code: string }[] }>(
      story.at(`${schemePath}/result-files`),
      { method: 'POST', token, key, headers: { 'content-type': 'text/csv' }, body: text },
    );

  it('gets the credits of a day in one file, answers it, and the points are spent or back', async () => {
    const before = story.ledger.balance(hanako.holder);
    const started = Date.now();
    const answers = [await convert(100), await convert(200), await convert(300)];
    const [accepted, refused, silent] = answers.map(({ body }) => body.conversionId);

    expect(answers.map(({ status, body }) => [status, body.state])).toEqual(Array(3).fill([202, 'at-scheme']));
    // Nobody waits out the deadlines of three calls for what takes a night.
    expect(Date.now() - started).toBeLessThan(3 * answerWithinMs);
    expect(story.ledger.balance(hanako.holder)).toEqual({ balance: before.balance, available: before.available - 600 });
    const open = await story.read(`${schemePath}/files/${addDays(yesterday(), 3)}`, bureka);
    expect([open.status, open.body.code]).toEqual([409, 'before-cut-off']);

    await story.service.database.transaction(everyTenant, async (tx) => {
      await tx.write(heldBefore);
      await tx.write(fileIsDue);
    });
    const day = yesterday();
    await eventually(async () => (await story.read(`${schemePath}/files/${day}`, bureka)).status === 200, { timeoutMs: 60_000 });
    const stand = await story.read(`${schemePath}/files/${day}`, bureka);
    const download = () => fetch(story.at(`${schemePath}/files/${day}/content`), { headers: { authorization: `Bearer ${bureka}` } });
    const response = await download();
    const bytes = Buffer.from(await response.arrayBuffer());
    const sha256 = createHash('sha256').update(bytes);

    expect(stand.body).toMatchObject({ day, lines: 3, points: 600, open: { lines: 3, points: 600 }, accepted: { lines: 0, points: 0 } });
    expect(stand.body.sha256).toBe(sha256.copy().digest('hex'));
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(response.headers.get('content-digest')).toBe(`sha-256=:${sha256.digest('base64')}:`);
    expect(Buffer.from(await (await download()).arrayBuffer()).equals(bytes)).toBe(true);

    await control({ refuseEvery: 2, silentEvery: 3 });
    const results = await fetch(`${card.url}/schemes/${encodeURIComponent(scheme)}/files`, { method: 'POST', body: bytes });
    const text = await results.text();
    const key = randomUUID();
    const taken = await sendResults(text, bureka, key);
    const again = [await sendResults(text, bureka, key), await sendResults(text)];

    expect([taken.status, taken.body]).toMatchObject([201, { accepted: 1, refused: 1, unchanged: 0, contradictions: [] }]);
    expect(again[0]?.body).toEqual(taken.body);
    expect(again[1]?.body).toMatchObject({ accepted: 0, refused: 0, unchanged: 2, contradictions: [] });
    await eventually(async () => expect([await stateOf(accepted), await stateOf(refused)]).toEqual(['completed', 'refused']), {
      timeoutMs: 60_000,
    });
    expect(await stateOf(silent)).toBe('at-scheme');
    expect(story.ledger.converted(scheme)).toBe(100);
    expect(story.ledger.balance(hanako.holder)).toEqual({ balance: before.balance - 100, available: before.available - 400 });

    // Nobody answers for the third one within the days.
    await story.service.database.transaction(everyTenant, (tx) =>
      tx.write(`update conversion set give_back_at = now() where conversion_id = $1`, [silent]),
    );
    await eventually(async () => expect(await stateOf(silent)).toBe('refused'), { timeoutMs: 60_000 });
    expect(story.ledger.balance(hanako.holder)).toEqual({ balance: before.balance - 100, available: before.available - 100 });
    const late = await sendResults(`creditId,result\n${programme}:${String(silent)},accepted\n`);
    expect(late.body).toMatchObject({ accepted: 0, contradictions: [{ line: 2, code: 'given-back' }] });
    const repeated = await convert(300, String(silent));
    expect([repeated.status, repeated.body.code]).toEqual([422, 'scheme-unanswered']);
    const csv = await call<{ text: string }>(story.at(`${schemePath}/result-files/${late.body.resultFile}?format=csv`), { token: bureka });
    expect(csv.body.text.split('\r\n')[1]).toMatch(/^2,.*,accepted,given-back,/);
    expect((await story.read(`${schemePath}/result-files`, bureka)).body).toMatchObject({
      resultFiles: [{ contradictions: 1 }, {}, { accepted: 1 }],
    });
    const listed = await call<{ text: string }>(story.at(`${schemePath}/files?format=csv`), { token: bureka });
    expect(listed.body.text).toContain(`${day},`);
  }, 240_000);

  it('shows its files to its own system and to the staff, and takes results of them alone', async () => {
    const paths = ['files', `files/${yesterday()}`, `files/${yesterday()}/content`, 'result-files'];
    for (const path of paths) {
      const refused = await story.read(`${schemePath}/${path}`, stranger);
      expect([path, refused.status, refused.body.code]).toEqual([path, 403, 'client-not-of-scheme']);
      expect([path, (await story.read(`${schemePath}/${path}`)).status]).not.toEqual([path, 403]);
    }
    expect((await sendResults('creditId,result\n', stranger)).body.code).toBe('client-not-of-scheme');
    const reader = await story.service.token(['scheme-files:read'], ['141305'], 'bureka-system');
    expect((await sendResults('creditId,result\n', reader)).status).toBe(403);
    const elsewhere = await story.service.token(['scheme-files:read'], ['432067'], 'bureka-system');
    expect((await story.read(`${schemePath}/files`, elsewhere)).status).toBe(403);
    expect((await story.read('schemes/nobody/files', bureka)).body.code).toBe('unknown-scheme');
    expect((await story.read(`${schemePath}/files/2026-02-30`, bureka)).status).toBe(404);
  });

  it('names line and field of a results file that it cannot read, and takes nothing of it', async () => {
    const bad = await sendResults('creditId,result\nBRE-1,maybe\n');

    expect([bad.status, bad.body]).toMatchObject([
      422,
      {
        code: 'malformed-list',
        detail: expect.stringContaining('nothing of the file was taken') as string,
        errors: [
          { line: 2, field: 'creditId' },
          { line: 2, field: 'result' },
        ],
      },
    ]);
    expect((await call(story.at(`${schemePath}/result-files`), { token: bureka, body: {} })).body.code).toBe('unsupported-media-type');
  });

  it('keeps its delivery while conversions are on their way', async () => {
    await convert(1);

    const { status, body } = await story.put(schemePath, { name: 'x', endpoint: 'https://card.example' });

    expect([status, body]).toMatchObject([409, { code: 'conversions-at-scheme', delivery: 'file', conversions: 1 }]);
  });

  it('is measured', async () => {
    const { body } = await call<{ text: string }>(`${story.service.url}/metrics`);

    const measured = body.text.split('\n').filter((line) => /^points_exchange_(scheme_files|conversions_open)/.test(line));

    expect(measured).toEqual([
      expect.stringMatching(/^points_exchange_conversions_open\{.*state="at-scheme".*\} 1$/),
      expect.stringMatching(/^points_exchange_scheme_files_overdue_seconds\{.*\} 0$/),
    ]);
  });
});

describe('killed with -9 while it makes a file', () => {
  it('the next process makes it whole, with each conversion once', async () => {
    const exchange = await exchangeProcess({});
    const ledger = await fakeLedger(exchange.topicPrefix);
    const admin = new pg.Pool({ connectionString: exchange.fresh.adminUrl, max: 3, options: '-c search_path=exchange' });
    try {
      await exchange.start();
      const scopes = ['partners:write', 'exchange:write', 'exchange:on-behalf', 'schemes:write', 'conversions:write', 'scheme-files:read'];
      const staff = await exchange.token(scopes, ['141305'], 'staff');
      const at = (path: string) => `${exchange.url}/v1/municipalities/141305/programmes/${programme}/${path}`;
      const person = aPerson();
      await registerPerson(exchange.fresh.database, person);
      await call(at('partners/card-a'), {
        method: 'PUT',
        token: staff,
        body: { name: 'A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: ['x'] },
      });
      const order = { orderId: newId(), myKeyId: person.myKeyId, partner: 'card-a', partnerPoints: 100 };
      await call(at('exchange-orders'), { token: staff, body: order });
      await call(at(schemePath), { method: 'PUT', token: staff, body: byFile });
      const ids = Array.from({ length: 5 }, newId);
      for (const conversionId of ids) {
        const conversion = { conversionId, myKeyId: person.myKeyId, scheme, points: 10 };
        expect((await call(at('conversions'), { token: staff, body: conversion })).status).toBe(202);
      }
      // Somebody holds the last one of them, so that the worker stands in the middle of its file.
      await admin.query(heldBefore);
      const holder = await admin.connect();
      await holder.query('begin');
      await holder.query('select 1 from conversion where conversion_id = $1 for update', [ids.at(-1)]);
      await admin.query(fileIsDue);
      await eventually(
        async () =>
          (
            await admin.query(
              `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%file_day is null%for update%'`,
            )
          ).rowCount === 1,
        { timeoutMs: 60_000 },
      );

      await exchange.kill();
      await holder.query('commit');
      holder.release();
      expect((await admin.query('select from scheme_file')).rowCount).toBe(0);
      // As if the lease of the dead one had ended.
      await admin.query('update scheme_file_plan set due_at = now()');
      await exchange.start();

      const day = yesterday();
      await eventually(async () => (await call(at(`${schemePath}/files/${day}`), { token: staff })).status === 200, { timeoutMs: 60_000 });
      const { rows } = await admin.query<{ day: string; lines: number; text: string }>(
        `select day::text as day, lines, convert_from(content, 'UTF8') as text from scheme_file where lines > 0`,
      );
      expect(rows.map((row) => [row.day, row.lines])).toEqual([[day, 5]]);
      for (const id of ids) expect(rows[0]?.text.split(`${programme}:${id},`)).toHaveLength(2);
    } finally {
      await admin.end();
      await exchange.close();
      await ledger.close();
    }
  }, 240_000);
});
