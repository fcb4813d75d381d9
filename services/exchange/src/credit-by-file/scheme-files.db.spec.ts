import { everyTenant, tenants, type Tx } from '@points/database';
import type { PostingCompleted } from '@points/contracts';
import { linkHolders } from '@points/holders';
import type { Cause } from '@points/http';
import { addDays, jstDateOf, parseInstant, uuidv7, type Instant, type LocalDate } from '@points/kernel';
import { assertSchemaIsolation, eventually, freshDatabase, type FreshDatabase } from '@points/testing';
import { createHash } from 'node:crypto';
import { claimCredits, recordAnswer } from '../convert-points/credit.js';
import { giveBackUnanswered } from '../convert-points/give-back.js';
import { findConversion, requestConversion, tryAgain } from '../convert-points/request-conversion.js';
import { moveConversions } from '../hear-postings/move-conversions.js';
import { migrations } from '../migrations.js';
import { conversionReference } from '../reference.js';
import { reconcileCredits } from '../reconcile-schemes/reconcile-credits.js';
import { schemeAttemptsMax } from '../rules/retry.js';
import { cutOffOf, giveBackAt } from '../rules/scheme-delivery.js';
import { findScheme, putScheme, type PutScheme, type SchemeKey } from '../set-up-schemes/scheme.js';
import { listFiles, readContent, readFile } from './find-file.js';
import { listResults, readResult } from './find-results.js';
import { claimFiles, makeFile } from './make-file.js';
import { takeResults } from './take-results.js';

const [kawasaki, tamana] = ['141305', '432067'];
const programme = `${kawasaki}-trial`;
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const myKeyId = 'WH7KTXH4';
/** Noon of a day whose file is cut off at 22:00. */
const day = '2026-03-02' as LocalDate;
const noon = parseInstant('2026-03-02T12:00:00+09:00');
const byFile = { name: 'ブレカ', delivery: 'file', cutOffHour: 22 } as const satisfies PutScheme;
const byApi = { name: 'ブレカ', endpoint: 'http://127.0.0.1:9' } as const satisfies PutScheme;

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder, myKeyId, registeredAt: noon }]));
});
afterAll(() => fresh?.close());

const inKawasaki = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(tenants(kawasaki), work);
const everywhere = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(everyTenant, work);
const cause: Cause = {
  ...{ municipality: kawasaki, client: 'staff', scopes: new Set(['history:write']), tenants: new Set([kawasaki]) },
  ...{ fingerprint: '', operation: '' },
};
const after = (instant: Instant, ms: number) => parseInstant(new Date(Date.parse(instant) + ms).toISOString());
const minutes = 60_000;

let count = 0;
/** Each test has a scheme of its own, set up at noon. */
async function aScheme(settings: PutScheme = byFile, now = noon): Promise<SchemeKey> {
  const key = { municipality: kawasaki, programme, scheme: `scheme-${++count}` };
  await inKawasaki((tx) => putScheme(tx, key, settings, now));
  return key;
}
const change = (key: SchemeKey, settings: PutScheme, now = noon) => inKawasaki((tx) => putScheme(tx, key, settings, now));
const posted = (amount: number): PostingCompleted['outcome'] => ({
  ...{ status: 'posted', posting: uuidv7(), amount, effectiveAt: noon, balance: amount, available: amount },
});
const referenceOf = (conversionId: string) => conversionReference({ programme, conversionId });
const hear = (conversionId: string, step: 'hold' | 'capture' | 'release', now = noon) =>
  inKawasaki((tx) =>
    moveConversions(tx, [{ of: 'conversion', reference: referenceOf(conversionId), step, askedAgain: 0, outcome: posted(100) }], now),
  );
const request = async ({ scheme }: SchemeKey, points = 100) => {
  const conversionId = `BRE-${++count}`;
  await inKawasaki((tx) => requestConversion(tx, cause, programme, { conversionId, myKeyId, scheme, points }, noon));
  return conversionId;
};
/** Its points are held at this time. */
const held = async (key: SchemeKey, at = noon, points = 100) => {
  const conversionId = await request(key, points);
  await hear(conversionId, 'hold', at);
  return conversionId;
};
const read = async (conversionId: string) => (await inKawasaki((tx) => findConversion(tx, programme, conversionId)))?.view;
const make = (key: SchemeKey, now: Instant, linesMax?: number) => inKawasaki((tx) => makeFile(tx, key, now, linesMax));
/** One minute after the cut-off of a day, and a little. */
const night = (of = day, hour = 22) => after(cutOffOf(of, hour), 2 * minutes);
const find = async (tx: Tx, key: SchemeKey) => {
  const found = await findScheme(tx, key);
  if (!found) throw new Error('no scheme');
  return found;
};
const contentOf = (key: SchemeKey, of = day) =>
  inKawasaki(async (tx) => readContent(tx, await find(tx, key), { ...key, day: of }, night(of)));
const standOf = (key: SchemeKey, of = day, now = night(of)) =>
  inKawasaki(async (tx) => readFile(tx, await find(tx, key), { ...key, day: of }, now));
const idsIn = async (key: SchemeKey, of = day) =>
  (await contentOf(key, of)).content
    .toString('utf8')
    .trim()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(',')[0]?.slice(programme.length + 1));
const take = (key: SchemeKey, lines: readonly string[]) =>
  inKawasaki((tx) => takeResults(tx, lines.join('\n'), key, { client: 'bureka-system', now: noon }));
const results = (key: SchemeKey, ...lines: readonly string[]) =>
  take(key, ['creditId,result,reason,receipt,points', ...lines.map((one) => `${programme}:${one}`)]);
const asked = (conversionId: string) =>
  inKawasaki(async (tx) => {
    const rows = await tx.query<{ payload: string }>('select payload from outbox where payload like $1 order by id', [
      `%${referenceOf(conversionId)}:%`,
    ]);
    return rows.map((row) => (JSON.parse(row.payload) as { instruction: { kind: string } }).instruction.kind);
  });

describe('the schema of files', () => {
  it('is all that the service’s role can reach', async () => {
    await assertSchemaIsolation(fresh);
  });

  it('shows and takes rows for the transaction’s tenant alone', async () => {
    const key = await aScheme();
    const id = await held(key);
    await make(key, night());
    await results(key, `${id},accepted,,,`);

    for (const table of ['scheme_file', 'scheme_file_plan', 'scheme_result']) {
      const visible = (tenant: string) =>
        fresh.database.transaction(tenants(tenant), (tx) => tx.query(`select 1 from ${table} where scheme = $1`, [key.scheme]));
      expect([(await visible(kawasaki)).length, (await visible(tamana)).length]).toEqual([1, 0]);
    }
  });

  it.each(['scheme_file', 'scheme_result'])('never changes or forgets a row of %s', async (table) => {
    await expect(inKawasaki((tx) => tx.write(`update ${table} set lines = 0`))).rejects.toThrow('permission denied');
    await expect(inKawasaki((tx) => tx.write(`delete from ${table}`))).rejects.toThrow('permission denied');
  });
});

describe('the delivery of a scheme', () => {
  it.each([
    ['requested', (key: SchemeKey) => request(key)],
    ['held', (key: SchemeKey) => held(key)],
  ])('does not change while a conversion to it is %s, and does once it has ended', async (_, begin) => {
    const key = await aScheme(byApi);
    const conversionId = await begin(key);

    await expect(change(key, byFile)).rejects.toMatchObject({
      ...{ status: 409, code: 'conversions-at-scheme', facts: { delivery: 'api', conversions: 1 } },
    });
    expect(await change(key, { ...byApi, name: 'another' })).toMatchObject({ isNew: false, scheme: { name: 'another', delivery: 'api' } });

    await inKawasaki((tx) =>
      tx.write(`update conversion set state = 'refused', refusal = '{}', next_attempt_at = null where conversion_id = $1`, [conversionId]),
    );
    expect(await change(key, byFile)).toMatchObject({ scheme: { delivery: 'file', cutOffHour: 22, giveBackAfterDays: 14 } });
  });

  it('waits for a conversion that is being written down, and then does not change', async () => {
    const key = await aScheme(byApi);
    let refused: Promise<unknown> | undefined;

    await inKawasaki(async (tx) => {
      await requestConversion(tx, cause, programme, { conversionId: `BRE-${++count}`, myKeyId, scheme: key.scheme, points: 1 }, noon);
      refused = change(key, byFile).catch((error: unknown) => error);
      await eventually(
        async () =>
          (await fresh.database.pool.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`))
            .rowCount === 1,
      );
    });

    expect(await refused).toMatchObject({ code: 'conversions-at-scheme' });
  });

  it('forgets the secret of the API with it', async () => {
    const key = await aScheme({ ...byApi, secret: 'hush' });

    await change(key, byFile);

    expect(await change(key, byApi)).toMatchObject({ scheme: { delivery: 'api', hasSecret: false } });
  });

  it.each([
    [{ name: 'x' }, ['endpoint']],
    [{ name: 'x', delivery: 'file' }, ['cutOffHour']],
    [{ ...byFile, endpoint: 'https://card.example' }, ['endpoint']],
  ] as const)('is not taken as %j', async (settings, fields) => {
    await expect(aScheme(settings)).rejects.toMatchObject({
      ...{ status: 422, code: 'invalid-request', facts: { errors: fields.map((field) => expect.objectContaining({ field }) as object) } },
    });
  });
});

describe('a conversion to a scheme that takes files', () => {
  it('waits for the file, and no call is made for it', async () => {
    const key = await aScheme();

    const conversionId = await request(key);
    const moved = await hear(conversionId, 'hold');

    expect(moved).toMatchObject({ isCreditDue: false, waitsForFile: [expect.any(String)], over: [] });
    expect(await read(conversionId)).toMatchObject({ state: 'at-scheme', atScheme: { delivery: 'file' } });
    expect((await read(conversionId))?.atScheme).toEqual({ delivery: 'file' });
    expect(await everywhere((tx) => claimCredits(tx, 10))).toEqual([]);
  });

  it('has nobody to be asked again', async () => {
    const key = await aScheme();
    const conversionId = await held(key);
    const again = () => inKawasaki((tx) => tryAgain(tx, programme, conversionId));

    await expect(again()).rejects.toMatchObject({ status: 409, code: 'delivered-by-file', facts: {} });
    await make(key, night());
    await expect(again()).rejects.toMatchObject({ code: 'delivered-by-file', facts: { fileDay: day } });
  });
});

describe('the file of a day', () => {
  it('has all that was held before its cut-off, in the order in which it came, with its digest', async () => {
    const key = await aScheme();
    const second = await held(key, after(noon, 1), 200);
    const first = await held(key, noon, 300);
    const last = await held(key, after(cutOffOf(day, 22), -1), 5);
    const tomorrow = await held(key, cutOffOf(day, 22));

    expect(await make(key, night())).toEqual({ day, lines: 3, points: 505, isFull: false });

    const { content, sha256 } = await contentOf(key);
    expect(content.toString('utf8')).toBe(
      [
        '\uFEFFcreditId,member,points,requestedAt',
        `${programme}:${first},${myKeyId},300,${noon}`,
        `${programme}:${second},${myKeyId},200,${noon}`,
        `${programme}:${last},${myKeyId},5,${noon}`,
        '',
      ].join('\r\n'),
    );
    expect(sha256).toEqual(createHash('sha256').update(content).digest());
    expect(await standOf(key)).toMatchObject({
      day,
      lines: 3,
      points: 505,
      open: { lines: 3, points: 505 },
      sha256: sha256.toString('hex'),
    });
    expect((await read(first))?.atScheme).toEqual({ delivery: 'file', fileDay: day, giveBackAt: giveBackAt(day, 14) });
    expect((await read(tomorrow))?.atScheme).not.toHaveProperty('fileDay');
    await make(key, night(addDays(day, 1)));
    expect(await idsIn(key, addDays(day, 1))).toEqual([tomorrow]);
  });

  it('is made once, a minute after its cut-off, and is the same bytes ever after', async () => {
    const key = await aScheme();
    const conversionId = await held(key);

    expect(await make(key, after(cutOffOf(day, 22), minutes - 1))).toBeUndefined();
    await make(key, after(cutOffOf(day, 22), minutes));
    const before = await contentOf(key);
    await results(key, `${conversionId},accepted,,,`);

    expect(await make(key, night())).toBeUndefined();
    expect(await contentOf(key)).toEqual(before);
  });

  it('without conversions has no lines, so that no day is missing', async () => {
    const key = await aScheme();

    for (const one of [day, addDays(day, 1), addDays(day, 2)]) await make(key, night(one));

    const { files } = await inKawasaki((tx) => listFiles(tx, key, { limit: 10 }));
    expect(files.map((one) => [one.day, one.lines, one.points])).toEqual([2, 1, 0].map((days) => [addDays(day, days), 0, 0]));
    expect((await contentOf(key)).content.toString('utf8')).toBe('\uFEFFcreditId,member,points,requestedAt\r\n');
  });

  it('is listed page by page', async () => {
    const key = await aScheme();
    for (const one of [day, addDays(day, 1), addDays(day, 2)]) await make(key, night(one));

    const first = await inKawasaki((tx) => listFiles(tx, key, { limit: 2 }));
    const second = await inKawasaki((tx) => listFiles(tx, key, { limit: 2, after: first.next ?? '' }));

    expect([...first.files, ...second.files].map((one) => one.day)).toEqual([2, 1, 0].map((days) => addDays(day, days)));
    expect(second).not.toHaveProperty('next');
    await expect(inKawasaki((tx) => listFiles(tx, key, { limit: 2, after: 'WyIyMDI2LTk5LTAyIl0' }))).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });

  it('after days without this service is made day by day, each with its own', async () => {
    const key = await aScheme();
    const ids = [];
    for (const days of [0, 1, 2]) ids.push(await held(key, after(noon, days * 1_440 * minutes)));
    const late = after(night(addDays(day, 2)), 0);

    for (let made = await make(key, late); made; made = await make(key, late));

    expect([await idsIn(key), await idsIn(key, addDays(day, 1)), await idsIn(key, addDays(day, 2))]).toEqual(ids.map((id) => [id]));
  });

  it('is in the hands of one worker while the lease lasts, and of the next one when that died', async () => {
    const key = await aScheme();
    const claim = (at: Instant) => everywhere(async (tx) => (await claimFiles(tx, 100, at)).filter((one) => one.scheme === key.scheme));

    expect(await claim(cutOffOf(day, 22))).toEqual([]);
    expect(await claim(night())).toEqual([key]);
    expect(await claim(night())).toEqual([]);
    expect(await claim(after(night(), 3 * minutes))).toEqual([key]);
    expect(await make(key, after(night(), 3 * minutes))).toMatchObject({ day });
    expect(await claim(after(night(), 10 * minutes))).toEqual([]);
  });

  it('that two workers make at the same time is one file', async () => {
    const key = await aScheme();
    const ids = [await held(key), await held(key, after(noon, 1))];

    const made = await Promise.all([make(key, night()), make(key, night()), make(key, night())]);

    expect(made.filter((one) => one !== undefined)).toEqual([{ day, lines: 2, points: 200, isFull: false }]);
    expect(await idsIn(key)).toEqual(ids);
  });

  it('whose worker dies before its commit leaves nothing, and the next one makes it whole', async () => {
    const key = await aScheme();
    const conversionId = await held(key);
    await expect(
      inKawasaki(async (tx) => {
        await makeFile(tx, key, night());
        throw new Error('killed');
      }),
    ).rejects.toThrow('killed');
    expect((await read(conversionId))?.atScheme).toEqual({ delivery: 'file' });

    await make(key, night());

    expect(await idsIn(key)).toEqual([conversionId]);
  });

  it('does not take a conversion whose hold is written down after it was made: that is in the next one', async () => {
    const key = await aScheme();
    await make(key, night());
    const slow = await held(key, noon);

    await make(key, night(addDays(day, 1)));

    expect(await idsIn(key)).toEqual([]);
    expect(await idsIn(key, addDays(day, 1))).toEqual([slow]);
  });

  it('that is full leaves the rest to the next one', async () => {
    const key = await aScheme();
    const ids = [await held(key), await held(key, after(noon, 1)), await held(key, after(noon, 2))];

    expect(await make(key, night(), 2)).toMatchObject({ lines: 2, isFull: true });
    expect(await make(key, night(addDays(day, 1)), 2)).toMatchObject({ lines: 1, isFull: false });
    expect([...(await idsIn(key)), ...(await idsIn(key, addDays(day, 1)))]).toEqual(ids);
  });

  it('follows a change of the hour, and no day is left out or twice', async () => {
    const key = await aScheme();
    await make(key, night());

    await change(key, { ...byFile, cutOffHour: 3 }, night());

    expect(await make(key, night(addDays(day, 1), 2))).toBeUndefined();
    expect(await make(key, night(addDays(day, 1), 3))).toMatchObject({ day: addDays(day, 1) });
    await change(key, byApi, night(addDays(day, 1), 3));
    expect(await make(key, night(addDays(day, 5), 3))).toBeUndefined();
    await change(key, byFile, night(addDays(day, 1), 3));
    expect(await make(key, night(addDays(day, 1), 22))).toBeUndefined();
    expect(await make(key, night(addDays(day, 2), 22))).toMatchObject({ day: addDays(day, 2) });
  });

  it('is refused by name before its cut-off, while it is made, and where there is none', async () => {
    const key = await aScheme();

    await expect(standOf(key, day, noon)).rejects.toMatchObject({
      ...{ status: 409, code: 'before-cut-off', facts: { day, cutOffAt: cutOffOf(day, 22) } },
    });
    await expect(standOf(key, day, cutOffOf(day, 22))).rejects.toMatchObject({ status: 409, code: 'file-not-made' });
    await expect(standOf(key, addDays(day, -1))).rejects.toMatchObject({ status: 404, code: 'unknown-file' });
    await expect(contentOf(await aScheme(byApi))).rejects.toMatchObject({ status: 404, code: 'unknown-file' });
  });
});

describe('a results file', () => {
  /** Conversions in the file of the day. */
  const filed = async (key: SchemeKey, conversions: number) => {
    const ids: string[] = [];
    for (let n = 0; n < conversions; n++) ids.push(await held(key, after(noon, n)));
    await make(key, night());
    return ids;
  };

  it('spends what the scheme accepted and gives back what it refused', async () => {
    const key = await aScheme();
    const [good = '', bad = '', open = ''] = await filed(key, 3);

    const taken = await results(key, `${good},accepted,,CS-1,100`, `${bad},refused,no such card,,`);

    expect(taken).toMatchObject({ lines: 2, accepted: 1, refused: 1, unchanged: 0, contradictions: [] });
    expect([await asked(good), await asked(bad), await asked(open)]).toEqual([['hold', 'capture'], ['hold', 'release'], ['hold']]);
    await hear(good, 'capture');
    await hear(bad, 'release');
    expect(await read(good)).toMatchObject({ state: 'completed', receipt: 'CS-1' });
    expect(await read(bad)).toMatchObject({
      ...{
        state: 'refused',
        refusal: { code: 'scheme-refused', detail: 'no such card', facts: { scheme: key.scheme, schemeCode: 'not-said' } },
      },
    });
    const one = { lines: 1, points: 100 };
    expect(await standOf(key)).toMatchObject({ open: one, accepted: one, refused: one, givenBack: { lines: 0, points: 0 } });
  });

  it('without a receipt is acknowledged on the paper of the day', async () => {
    const key = await aScheme();
    const [good = ''] = await filed(key, 1);

    await results(key, `${good},accepted,,,`);

    expect(await read(good)).toMatchObject({ receipt: `file:${day}` });
  });

  it('that comes again does nothing more, whoever sends it at the same time', async () => {
    const key = await aScheme();
    const [good = '', bad = ''] = await filed(key, 2);
    const lines = [`${good},accepted,,CS-1,`, `${bad},refused,,,`];

    const taken = await Promise.all([results(key, ...lines), results(key, ...lines), results(key, ...lines, ...lines)]);

    expect(taken.flatMap((one) => one.contradictions)).toEqual([]);
    expect([taken.reduce((sum, one) => sum + one.accepted, 0), taken.reduce((sum, one) => sum + one.refused, 0)]).toEqual([1, 1]);
    expect([await asked(good), await asked(bad)]).toEqual([
      ['hold', 'capture'],
      ['hold', 'release'],
    ]);
  });

  it('that contradicts what is known is named line by line, and does nothing there', async () => {
    const key = await aScheme();
    const other = await aScheme();
    const [good = '', bad = '', open = '', fine = ''] = await filed(key, 4);
    const [elsewhere = ''] = await filed(other, 1);
    const waiting = await held(key);
    await results(key, `${good},accepted,,CS-1,`, `${bad},refused,,,`);

    const taken = await results(
      key,
      ...[`${good},refused,,,`, `${bad},accepted,,CS-2,`, `${open},accepted,,,101`, `${elsewhere},accepted,,,`, 'nobody,accepted,,,'],
      ...[`${waiting},accepted,,,`, `${good},accepted,,CS-9,`, `${fine},accepted,,CS-4,`],
    );

    expect(taken).toMatchObject({ lines: 8, accepted: 1, refused: 0, unchanged: 0 });
    expect(taken.contradictions.map(({ line, code }) => [line, code])).toEqual([
      [2, 'lines-differ'],
      [3, 'refused-before'],
      [4, 'points-differ'],
      [5, 'unknown-credit'],
      [6, 'unknown-credit'],
      [7, 'not-sent'],
      [8, 'lines-differ'],
    ]);
    expect((await results(key, `${good},refused,,,`)).contradictions.map(({ code }) => code)).toEqual(['accepted-before']);
    expect([await asked(good), await asked(bad), await asked(open), await asked(elsewhere), await asked(waiting)]).toEqual([
      ...[['hold', 'capture'], ['hold', 'release'], ['hold'], ['hold'], ['hold']],
    ]);
  });

  it('that cannot be read is refused whole, by line and field', async () => {
    const key = await aScheme();
    const [good = ''] = await filed(key, 1);

    await expect(results(key, `${good},accepted,,,`, `${good},maybe,,,`)).rejects.toMatchObject({
      ...{
        status: 422,
        code: 'malformed-list',
        facts: { errors: [{ line: 3, field: 'result', reason: 'is not one of accepted, refused: maybe' }] },
      },
    });
    expect(await asked(good)).toEqual(['hold']);
  });

  it('is kept with what it did, and read again', async () => {
    const key = await aScheme();
    const [good = ''] = await filed(key, 1);
    const taken = [await results(key, `${good},accepted,,,`), await results(key, `${good},refused,,,`)];

    const page = await inKawasaki((tx) => listResults(tx, key, { limit: 1 }));
    const rest = await inKawasaki((tx) => listResults(tx, key, { limit: 1, after: page.next ?? '' }));

    expect([...page.resultFiles, ...rest.resultFiles].map((one) => [one.resultFile, one.accepted, one.contradictions])).toEqual([
      [taken[1]?.resultFile, 0, 1],
      [taken[0]?.resultFile, 1, 0],
    ]);
    expect(await inKawasaki((tx) => readResult(tx, key, taken[1]?.resultFile ?? ''))).toEqual(taken[1]);
    await expect(inKawasaki((tx) => readResult(tx, key, uuidv7()))).rejects.toMatchObject({ code: 'unknown-result-file' });
  });
});

describe('points that no scheme has answered for', () => {
  const giveBack = (now: Instant) => everywhere((tx) => giveBackUnanswered(tx, now));
  const end = giveBackAt(day, 14);

  it('go back to their lots after the days from the file’s day on, once', async () => {
    const key = await aScheme();
    const [silent, answered] = [await held(key), await held(key, after(noon, 1))];
    await make(key, night());
    await results(key, `${answered},accepted,,,`);

    await giveBack(after(end, -1));
    expect(await asked(silent)).toEqual(['hold']);
    await Promise.all([giveBack(end), giveBack(end)]);
    await giveBack(end);

    expect([await asked(silent), await asked(answered)]).toEqual([
      ['hold', 'release'],
      ['hold', 'capture'],
    ]);
    await hear(silent, 'release');
    expect(await read(silent)).toMatchObject({
      ...{ state: 'refused', refusal: { code: 'scheme-unanswered', facts: { scheme: key.scheme, fileDay: day } } },
    });
    expect(await standOf(key)).toMatchObject({ givenBack: { lines: 1, points: 100 }, accepted: { lines: 1, points: 100 } });
  });

  it('stay while they wait for a file: nobody was asked yet', async () => {
    const key = await aScheme();
    const conversionId = await held(key);

    await giveBack(after(end, 100 * 1_440 * minutes));

    expect(await asked(conversionId)).toEqual(['hold']);
  });

  it('are not spent by a late answer, which is named and found by reconciliation', async () => {
    const key = await aScheme();
    const [accepted, refused] = [await held(key), await held(key, after(noon, 1))];
    await make(key, night());
    await giveBack(end);
    await hear(accepted, 'release');

    const taken = await results(key, `${accepted},accepted,,CS-LATE,`, `${refused},refused,,,`);

    expect(taken).toMatchObject({
      accepted: 0,
      refused: 0,
      unchanged: 1,
      contradictions: [{ line: 2, result: 'accepted', code: 'given-back' }],
    });
    expect([await asked(accepted), await asked(refused)]).toEqual([
      ['hold', 'release'],
      ['hold', 'release'],
    ]);
    const question = { programme, scheme: key.scheme, from: noon, to: end, toleranceDays: 0 };
    const found = await inKawasaki((tx) => reconcileCredits(tx, `creditId,points\n${programme}:${accepted},100`, question));
    expect(found.missingHere).toMatchObject([
      { reason: 'the conversion is refused: the scheme did not answer within its days, points that were held are back' },
    ]);
  });

  describe('of a scheme with an API', () => {
    /** By the clock, which the lease of an attempt is by, too. */
    const soon = () => parseInstant(new Date(Date.now() + minutes).toISOString());
    const failed = { kind: 'failed', reason: 'answered 503' } as const;
    const record = (credit: Parameters<typeof recordAnswer>[1], said: Parameters<typeof recordAnswer>[2]) =>
      inKawasaki((tx) => recordAnswer(tx, credit, said, 0));
    const claim = async () => {
      const [credit] = await everywhere((tx) => claimCredits(tx, 1));
      if (!credit) throw new Error('nothing to credit');
      return credit;
    };
    const daysAreOver = (conversionId: string) =>
      inKawasaki((tx) => tx.write('update conversion set give_back_at = now() where conversion_id = $1', [conversionId]));
    const usedUp = async () => {
      const conversionId = await held(await aScheme(byApi), soon());
      const credit = await claim();
      await record({ ...credit, attempt: schemeAttemptsMax }, failed);
      await inKawasaki((tx) => tx.write('update conversion set attempts = $2 where conversion_id = $1', [conversionId, schemeAttemptsMax]));
      return { conversionId, credit };
    };

    it('have their days from the day on which it was first asked', async () => {
      const conversionId = await held(await aScheme({ ...byApi, giveBackAfterDays: 3 }));

      expect((await read(conversionId))?.atScheme).toMatchObject({ delivery: 'api', attempts: 0, giveBackAt: giveBackAt(day, 3) });
      await record(await claim(), { kind: 'refused', code: 'x', detail: 'no' });
    });

    it('are asked for one last time, and go back when nobody answers that either', async () => {
      const { conversionId } = await usedUp();
      await daysAreOver(conversionId);

      expect(await giveBack(soon())).toMatchObject({ released: [], lastAsked: [expect.any(String)] });
      const last = await claim();

      expect(last).toMatchObject({ conversionId, attempt: schemeAttemptsMax + 1 });
      expect(await record(last, failed)).toBe('given-back');
      expect(await asked(conversionId)).toEqual(['hold', 'release']);
      await hear(conversionId, 'release');
      expect(await read(conversionId)).toMatchObject({ state: 'refused', refusal: { code: 'scheme-unanswered' } });
    });

    it('are spent when the last attempt is answered', async () => {
      const { conversionId } = await usedUp();
      await daysAreOver(conversionId);
      await giveBack(soon());

      expect(await record(await claim(), { kind: 'acknowledged', receipt: 'R-1' })).toBe('capturing');
      expect(await asked(conversionId)).toEqual(['hold', 'capture']);
    });

    it('stay held while there are attempts left, and until the days are over', async () => {
      const trying = await held(await aScheme(byApi), soon());
      const credit = await claim();
      await daysAreOver(trying);

      expect(await giveBack(soon())).toEqual({ released: [], lastAsked: [] });
      expect(await record(credit, failed)).toBe('tried-again');
      await inKawasaki((tx) => tx.write('update conversion set next_attempt_at = null where conversion_id = $1', [trying]));
      await giveBack(soon());
      await record(await claim(), { kind: 'acknowledged', receipt: 'R-2' });
      const { conversionId } = await usedUp();
      expect(await giveBack(after(giveBackAt(jstDateOf(soon()), 14), -2 * minutes))).toEqual({ released: [], lastAsked: [] });
      expect(await asked(conversionId)).toEqual(['hold']);
    });

    it('and were given back are not spent by an answer that was on its way', async () => {
      const { conversionId, credit } = await usedUp();
      await daysAreOver(conversionId);
      await giveBack(soon());
      await record(await claim(), failed);

      expect(await record(credit, { kind: 'acknowledged', receipt: 'R-3' })).toBe('credited-late');
      expect(await record(credit, failed)).toBe('stale');
      expect(await asked(conversionId)).toEqual(['hold', 'release']);
    });
  });
});
