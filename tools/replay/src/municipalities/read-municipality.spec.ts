import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMunicipality, readMunicipality } from './read-municipality.js';
import { settingsOf } from './settings-of.js';

const folder = join(import.meta.dirname, '../../../../data/municipalities');

const municipality = { code: '141305', name: '川崎市' };
const programme = { id: '141305-trial', name: 'p', firstDay: '2018-01-01', rules: { expiry: { kind: 'none' }, usableAt: [] } };
const partner = { id: 'card-a', name: 'c', programme: '141305-trial', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1 };

describe('the files of the seven municipalities and of the platform', () => {
  it('can all be read and hold what each is known for', async () => {
    const files = new Map(
      (await Promise.all((await readdir(folder)).map((name) => readMunicipality(join(folder, name))))).map((file) => [
        file.municipality.code,
        file,
      ]),
    );

    expect([...files.keys()].sort()).toEqual(['000001', '092011', '141305', '141500', '212148', '222160', '232262', '432067']);
    expect(files.get('141305')?.programmes[0]).toMatchObject({
      id: '141305-trial',
      lastDay: '2018-11-30',
      historyOpen: true,
      rules: { expiry: { kind: 'days-after-grant', days: 100 }, usableAt: ['scheme:ブレカ'] },
    });
    expect(files.get('141305')?.groups?.[0]?.shops).toHaveLength(63);
    expect(files.get('141500')?.programmes).toHaveLength(2);
    expect(files.get('141500')?.programmes[0]?.rules.usableAt).toHaveLength(5);
    expect(files.get('141500')?.activities?.map((one) => one.points)).toEqual([200, 400, 600]);
    expect(files.get('212148')?.programmes[0]?.lastDay).toBe('2020-09-30');
    expect(files.get('232262')?.programmes[0]?.rules.expiry).toMatchObject({ kind: 'days-after-grant', days: 300 });
    expect(files.get('000001')?.programmes).toMatchObject([{ id: '000001-reserve', reserve: true, rules: { expiry: { kind: 'none' } } }]);
    expect(new Set(files.get('092011')?.partners?.map(({ rate }) => rate.numerator / rate.denominator)).size).toBeGreaterThan(3);
  });
});

describe('a municipality file', () => {
  it.each([
    ['nothing', {}, 'municipality must be an object'],
    ['a list of numbers', { municipality, programmes: [1] }, 'programmes'],
    [
      'a wrong check digit',
      { municipality: { code: '141306', name: 'x' }, programmes: [programme] },
      'municipality.code must be the six digits of a municipality code, the last a check digit',
    ],
    ['no programme', { municipality, programmes: [] }, 'programmes must hold one programme or more'],
    [
      'a day that does not exist',
      { municipality, programmes: [{ ...programme, lastDay: '2018-02-30' }] },
      'programmes[0].lastDay must be a day of the calendar, such as 2018-02-28',
    ],
    [
      'a field nobody knows',
      { municipality, programmes: [{ ...programme, last_day: '2018-02-28' }] },
      'programmes[0].last_day is not a known field',
    ],
    [
      'a rate with a zero',
      { municipality, programmes: [programme], partners: [{ ...partner, rate: { numerator: 1, denominator: 0 } }] },
      'partners[0].rate.denominator must be 1 or more',
    ],
    [
      'a rate that is a number',
      { municipality, programmes: [programme], partners: [{ ...partner, rate: 1 }] },
      'partners[0].rate must be an object',
    ],
    ['a list that is none', { municipality, programmes: [programme], partners: {} }, 'partners must be a list'],
    [
      'a programme of another municipality',
      { municipality, programmes: [{ ...programme, id: '141500-trial' }] },
      'programmes: 141500-trial must begin with 141305-',
    ],
    [
      'a programme that the file lacks',
      { municipality, programmes: [programme], partners: [{ ...partner, programme: '141305-other' }] },
      'partners: card-a names the programme 141305-other, which this file does not have',
    ],
    [
      'an id twice',
      { municipality, programmes: [programme], partners: [partner, partner] },
      'partners: 141305-trial card-a stands there twice',
    ],
  ])('that is wrong is told with file, field and reason: %s', (_, value, reason) => {
    expect(() => parseMunicipality('x.json', value)).toThrow(`x.json: ${reason}`);
  });

  it('opens a reserve before its partners can send points there, and asks nobody whether it is open', () => {
    const file = parseMunicipality('x.json', { municipality, programmes: [{ ...programme, reserve: true }], partners: [partner] });

    const steps = settingsOf(file, 'http://scheme').map((step) => step.map(({ path, isSwitch }) => ({ path, isSwitch })));

    const of = '/v1/municipalities/141305/programmes/141305-trial';
    expect(steps.slice(0, 2)).toEqual([[{ path: of }, { path: `${of}/reserve`, isSwitch: true }], [{ path: `${of}/partners/card-a` }]]);
  });

  it('becomes PUTs of the services, those that others name first', () => {
    const file = parseMunicipality('x.json', {
      municipality,
      programmes: [programme],
      partners: [partner],
      groups: [{ id: 'street', name: 's', shops: [{ id: 'a', name: 'a', programmes: [] }] }],
    });

    expect(settingsOf(file, 'http://scheme').map((step) => step.map(({ service, path, body }) => ({ service, path, body })))).toEqual([
      [
        {
          service: 'ledger',
          path: '/v1/municipalities/141305/programmes/141305-trial',
          body: { name: 'p', firstDay: '2018-01-01', rules: { expiry: { kind: 'none' }, usableAt: [] } },
        },
      ],
      [
        {
          service: 'exchange',
          path: '/v1/municipalities/141305/programmes/141305-trial/partners/card-a',
          body: { name: 'c', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1 },
        },
        { service: 'settlement', path: '/v1/municipalities/141305/groups/street', body: { name: 's' } },
      ],
      [
        {
          service: 'settlement',
          path: '/v1/municipalities/141305/shops/a',
          body: { name: 'a', group: 'street', programmes: [], status: 'active' },
        },
      ],
    ]);
  });
});
