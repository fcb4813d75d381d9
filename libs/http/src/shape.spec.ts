import { IsListOf, IsNested } from './nested.js';
import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { IsDay, IsInstant, IsMunicipality, IsMyKeyId, IsPoints, MunicipalityPath, ProgrammePath } from './fields.js';
import { compileShape, jsonSchemaOf } from './shape.js';

class Rate {
  @IsInt()
  @Min(1)
  numerator!: number;
}

class Line {
  @IsNested(() => Rate)
  rate!: Rate;
}

class Order {
  @IsString()
  @MaxLength(5)
  id!: string;

  @IsPoints()
  points!: number;

  @IsInstant()
  at!: string;

  @IsOptional()
  @IsDay()
  day?: string;

  @IsOptional()
  @IsIn(['now', 'later'])
  when?: 'now' | 'later';

  @IsListOf(() => Line, 2)
  lines!: Line[];
}

class Note {
  @IsString()
  text!: string;
}

class Tagged {
  @IsArray()
  @IsString({ each: true })
  tags!: string[];

  @IsListOf(() => Note, 9)
  notes!: Note[];
}

class Page {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit?: number;

  @IsOptional()
  @Type(() => Boolean)
  @IsBoolean()
  all?: boolean;
}

class Codes {
  @IsMunicipality()
  municipality!: string;

  @IsMyKeyId()
  myKeyId!: string;
}

const good = { id: 'a', points: 5, at: '2018-02-28T09:00:00+09:00', lines: [{ rate: { numerator: 1 } }] };

describe('a compiled shape', () => {
  it('takes what fits', () => {
    expect(compileShape(Order, 'body').problemsOf(good)).toEqual([]);
  });

  it.each([
    [{ ...good, id: 'a\u0000' }, 'id'],
    [{ ...good, id: '\ud83d' }, 'id'],
    [{ tags: ['a', '😀', 'b\u0000'], notes: [{ text: 'c\udc00' }] }, 'tags.2'],
  ])('refuses text that cannot be stored: %j', (value, field) => {
    const reason = 'holds U+0000 or half of a character, which is no text';

    expect(compileShape('tags' in value ? Tagged : Order, 'body').problemsOf(value)[0]).toEqual({ field, reason });
  });

  it.each([
    ['a missing field', { ...good, id: undefined }, [{ field: 'id', reason: 'is missing' }]],
    ['an unknown field', { ...good, extra: 1 }, [{ field: 'extra', reason: 'is not a known field' }]],
    [
      'an unknown field inside',
      { ...good, lines: [{ rate: { numerator: 1, x: 1 } }] },
      [{ field: 'lines.0.rate.x', reason: 'is not a known field' }],
    ],
    ['zero points', { ...good, points: 0 }, [{ field: 'points', reason: 'must be >= 1' }]],
    ['a fraction of points', { ...good, points: 1.5 }, [{ field: 'points', reason: 'must be integer' }]],
    ['points above the safe integer', { ...good, points: 2 ** 53 }, [{ field: 'points', reason: 'must be <= 9007199254740991' }]],
    ['points as text', { ...good, points: '5' }, [{ field: 'points', reason: 'must be integer' }]],
    [
      'a day that does not exist',
      { ...good, day: '2018-02-29' },
      [{ field: 'day', reason: 'must be a day of the calendar, such as 2018-02-28' }],
    ],
    [
      'a time without offset',
      { ...good, at: '2018-02-28T09:00:00' },
      [{ field: 'at', reason: 'must be a time with its offset, such as 2018-02-28T09:00:00+09:00' }],
    ],
    ['a word outside the list', { ...good, when: 'soon' }, [{ field: 'when', reason: 'must be one of now, later' }]],
    [
      'too many lines',
      { ...good, lines: [good.lines[0], good.lines[0], good.lines[0]] },
      [{ field: 'lines', reason: 'must NOT have more than 2 items' }],
    ],
    ['a nested mistake', { ...good, lines: [{ rate: { numerator: 0 } }] }, [{ field: 'lines.0.rate.numerator', reason: 'must be >= 1' }]],
  ])('names the field and the reason of %s', (_, value, problems) => {
    expect(compileShape(Order, 'body').problemsOf(JSON.parse(JSON.stringify(value)))).toEqual(problems);
  });

  it.each([[null], [[]], ['text'], [5]])('refuses the body %j', (value) => {
    expect(compileShape(Order, 'body').problemsOf(value)).not.toEqual([]);
  });

  it('names every problem at once', () => {
    expect(
      compileShape(Order, 'body')
        .problemsOf({})
        .map((one) => one.field),
    ).toEqual(['id', 'points', 'at', 'lines']);
  });

  it('reads numbers and truth from a query', () => {
    const query = { limit: '20', all: 'true' };

    expect(compileShape(Page, 'text').problemsOf(query)).toEqual([]);
    expect(query).toEqual({ limit: 20, all: true });
  });

  it('checks the check digit of a municipality code', () => {
    expect(compileShape(Codes, 'text').problemsOf({ municipality: '141305', myKeyId: 'WH7KTXH4' })).toEqual([]);
    expect(
      compileShape(Codes, 'text')
        .problemsOf({ municipality: '141306', myKeyId: 'WH7KTXH' })
        .map((one) => one.field),
    ).toEqual(['municipality', 'myKeyId']);
  });

  it('knows the fields of the class it extends', () => {
    expect(compileShape(ProgrammePath, 'text').problemsOf({ municipality: '141305', programme: '141305-trial' })).toEqual([]);
    expect(Object.keys(jsonSchemaOf(ProgrammePath).properties as object).sort()).toEqual(['municipality', 'programme']);
    expect(Object.keys(jsonSchemaOf(MunicipalityPath).properties as object)).toEqual(['municipality']);
  });
});
