import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBadRow, inReadingOrder } from './bad-row.js';
import { readTrial } from './read-trial.js';

const root = join(import.meta.dirname, '../../../..');
const kawasaki = join(root, 'data/kawasaki-trial');
const badRows = join(root, 'tools/replay/fixtures/bad-rows');

describe('the Kawasaki trial', () => {
  it('is read whole and in the order of time', async () => {
    const { trial, badRows } = await readTrial(kawasaki);

    expect(badRows).toEqual([]);
    expect(trial?.programme).toEqual({
      municipality: '141305',
      id: '141305-trial',
      name: '川崎市実証実験ポイント',
      firstDay: '2017-11-20',
      lastDay: '2018-11-30',
      validityDays: 100,
      scheme: 'ブレカ',
    });
    expect(trial?.partners).toHaveLength(6);
    expect(trial?.rows.filter((row) => row.kind === 'exchange')).toHaveLength(89);
    expect(trial?.rows.filter((row) => row.kind === 'conversion')).toHaveLength(32);
    const times = (trial?.rows ?? []).map((row) => row.at);
    expect(times).toEqual([...times].sort());
  });
});

describe('the folder of bad rows', () => {
  it('reports what can be seen without the books, each with file, line, field and reason, and keeps the good rows', async () => {
    const { trial, badRows: found, notes } = await readTrial(badRows);

    expect(inReadingOrder(found).map(describeBadRow)).toEqual([
      'partners.csv:6 partner "card-a" stands with another rate or lot in line 2, which holds',
      'partners.csv:7 rate_denominator "0": must be 1 or more',
      'partners.csv:8 partner is empty',
      'exchanges.csv:12 accepted_at "2018-02-01T10:00:00": a time needs the form 2018-02-28T00:00:00+09:00, with its offset',
      'exchanges.csv:13 accepted_at "2018-02-30T10:00:00+09:00": the day 2018-02-30 does not exist',
      'exchanges.csv:14 accepted_at "2018-02-01T24:00:00+09:00": the time 24:00:00 does not exist',
      'exchanges.csv:15 my_key_id "AAAA-222": a My Key ID has eight letters or digits',
      'exchanges.csv:16 municipal_points "500.0": must be a whole number, written with the digits 0 to 9 only',
      'exchanges.csv:17 partner_points "-500": must be a whole number, written with the digits 0 to 9 only',
      'exchanges.csv:18 partner_points "0": must be 1 or more; municipal_points "0": must be 1 or more',
      'exchanges.csv:19 partner_points "9007199254740992": must be at most 9007199254740991',
      'exchanges.csv:20 partner_points is empty',
      'exchanges.csv:21 line has 3 columns, the header has 7: "2018-02-01T10:00:00+09:00,BAD-SHORT,AAAA2222"',
      'exchanges.csv:22 line has 8 columns, the header has 7: "2018-02-01T10:00:00+09:00,BAD-LONG,AAAA2222,card-a,500,500,m…"',
      'exchanges.csv:23 line has a quote that is not closed on the same line',
      'exchanges.csv:25 order_id is empty',
      'conversions.csv:11 points "１０": must be a whole number, written with the digits 0 to 9 only',
      'conversions.csv:12 line is not UTF-8 text',
      'conversions.csv:13 line has a quote in a wrong place: ""C-WRONG"QUOTE,BBBB3333,10,2018-03-01T10:00:00+09:00"',
      'conversions.csv:14 converted_at "2018/03/01 10:00": a time needs the form 2018-02-28T00:00:00+09:00, with its offset',
    ]);
    expect(notes).toEqual(['exchanges.csv: the column memo is not part of the format and is read over']);
    expect(trial?.rows.map((row) => row.id)).toEqual(expect.arrayContaining(['OK-1', 'OK-LAST', 'OK-QUOTED', 'OK-SPACES', 'C-OK']));
  });
});

describe('a folder that cannot be replayed', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'replay-'));
    await cp(kawasaki, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const reportOf = async () => {
    const { trial, badRows } = await readTrial(folder);
    expect(trial).toBeUndefined();
    return badRows.map(describeBadRow);
  };

  it.each([
    ['{\n  "municipality_code": "141305",\n  "name": }\n', 'programme.json:3 line is not JSON: Unexpected token'],
    ['[]', 'programme.json:1 line must hold one JSON object'],
    [
      '{\n "municipality_code": "141306",\n "name": "x", "period": ["2018-01-01", "2018-01-02"], "validity_days": 1, "conversion_scheme": "s" }',
      'programme.json:2 municipality_code "141306" must be the six digits',
    ],
    [
      '{\n "municipality_code": 141305,\n "name": "x", "period": ["2018-01-01", "2018-01-02"], "validity_days": 1, "conversion_scheme": "s" }',
      'programme.json:2 municipality_code 141305 must be the six digits',
    ],
    [
      '{ "municipality_code": "141305", "name": "x",\n\n "period": ["2018-01-02", "2018-01-01"], "validity_days": 1, "conversion_scheme": "s" }',
      'programme.json:3 period ',
    ],
    [
      '{ "municipality_code": "141305", "name": "x", "period": ["2018-02-30", "2018-03-01"], "validity_days": 1, "conversion_scheme": "s" }',
      'programme.json:1 period ',
    ],
    [
      '{ "municipality_code": "141305", "name": "x", "period": ["2018-01-01", "2018-03-01"], "validity_days": 1.5, "conversion_scheme": "s" }',
      'programme.json:1 validity_days 1.5 must be a whole number',
    ],
    [
      '{ "municipality_code": "141305", "name": "x", "period": ["2018-01-01", "2018-03-01"], "validity_days": 1 }',
      'programme.json:1 conversion_scheme is missing',
    ],
  ])('says what is wrong in programme.json: %j', async (text, report) => {
    await writeFile(join(folder, 'programme.json'), text);

    expect((await reportOf())[0]).toContain(report);
  });

  it('says which file is missing', async () => {
    await rm(join(folder, 'conversions.csv'));

    expect(await reportOf()).toEqual(['conversions.csv:0 file is missing in the trial folder']);
  });

  it('says which column the header lacks', async () => {
    await writeFile(join(folder, 'exchanges.csv'), 'order_id,my_key_id,partner,partner_points,accepted_at\n');

    expect(await reportOf()).toEqual([
      'exchanges.csv:1 municipal_points is not in the header: it must hold order_id,my_key_id,partner,partner_points,municipal_points,accepted_at',
    ]);
  });

  it('says that an expected.json is no JSON before anything is booked', async () => {
    await writeFile(join(folder, 'expected.json'), '{"issued": ');

    expect((await reportOf())[0]).toContain('expected.json:1 line is not JSON');
  });

  it('takes an id of the programme from its file, and from the caller before it', async () => {
    const text = JSON.stringify({
      municipality_code: '141305',
      programme_id: '141305-other',
      name: 'x',
      period: ['2018-01-01', '2018-03-01'],
      validity_days: 0,
      conversion_scheme: 's',
    });
    await writeFile(join(folder, 'programme.json'), text);

    expect((await readTrial(folder)).trial?.programme.id).toBe('141305-other');
    expect((await readTrial(folder, { programmeId: '141305-third' })).trial?.programme.id).toBe('141305-third');
    expect((await readTrial(folder, { programmeId: '222160-third' })).badRows.map(describeBadRow)[0]).toContain('programme_id');
  });
});
