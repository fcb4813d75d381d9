import { lineReader, readHeader, type Column, type UploadFormat } from './read-orders.js';

const all: readonly Column[] = ['orderId', 'myKeyId', 'partnerPoints', 'municipalPoints', 'acceptedAt'];
const read = (text: string, format: UploadFormat = 'csv', bytes = Buffer.from(text)) => lineReader(format, all)({ n: 7, end: 0, bytes });

describe('a line of a file of orders', () => {
  it.each([
    ['A-1,WH7KTXH4,500,,', { orderId: 'A-1', myKeyId: 'WH7KTXH4', partnerPoints: 500 }],
    [
      ' A 1 , WH7KTXH4 , 500 , 400 , 2018-02-28T09:00:00+09:00 ',
      { orderId: 'A 1', myKeyId: 'WH7KTXH4', partnerPoints: 500, municipalPoints: 400, acceptedAt: '2018-02-28T09:00:00+09:00' },
    ],
    ['"注文,1",WH7KTXH4,"500",,', { orderId: '注文,1', myKeyId: 'WH7KTXH4', partnerPoints: 500 }],
  ])('reads the CSV %j', (text, order) => {
    expect(read(text)).toEqual({ line: 7, order });
  });

  it('reads JSON', () => {
    const order = { orderId: 'A-1', myKeyId: 'WH7KTXH4', partnerPoints: 500 };

    expect(read(JSON.stringify(order), 'jsonl')).toEqual({ line: 7, order });
  });

  it.each(['', '   ', '\uFEFF'])('passes over the blank line %j', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it.each([
    ['A-1,WH7KTXH4,1.5,,', 'partnerPoints', /must be integer/],
    ['A-1,WH7KTXH4,0,,', 'partnerPoints', />= 1/],
    ['A-1,WH7KTXH4,12345678901234567890,,', 'partnerPoints', /must be integer/],
    ['A-1,WH7KTXH4,,,', 'partnerPoints', /is missing/],
    ['A-1,?,500,,', 'myKeyId', /My Key ID/],
    ['A-1,WH7KTXH4,500,,yesterday', 'acceptedAt', /time with its offset/],
    ['A-1,WH7KTXH4,500', 'line', /has 3 fields, the header has 5/],
    ['"A-1,WH7KTXH4,500,,', 'line', /quote is open/],
  ])('says of %j that %s is wrong', (text, field, reason) => {
    expect(read(text)).toMatchObject({
      line: 7,
      code: 'invalid-line',
      errors: [{ field, reason: expect.stringMatching(reason) as string }],
    });
  });

  it.each([
    ['{', /is not JSON/],
    ['[1]', /is not a JSON object/],
    ['{"orderId":"A-1","myKeyId":"WH7KTXH4","partnerPoints":500,"note":1}', /not a known field/],
  ])('says of the JSON %j what is wrong', (text, reason) => {
    expect(read(text, 'jsonl')).toMatchObject({ errors: [{ reason: expect.stringMatching(reason) as string }] });
  });

  it('tells a file in Shift_JIS from one in UTF-8', () => {
    expect(read('', 'csv', Buffer.from([0x92, 0x8d, 0x95, 0xb6]))).toMatchObject({
      errors: [{ field: 'line', reason: 'is not UTF-8; save the file as UTF-8' }],
    });
  });
});

describe('the header of a CSV file', () => {
  const header = (text: string) => readHeader({ n: 1, end: 0, bytes: Buffer.from(text) });

  it('names the columns in any order and case, after a byte order mark', () => {
    expect(header('\uFEFFpartnerpoints,OrderId,"myKeyId"')).toEqual({ columns: ['partnerPoints', 'orderId', 'myKeyId'] });
  });

  it.each([
    ['orderId,myKeyId', /partnerPoints is missing/],
    ['orderId,myKeyId,partnerPoints,orderId', /orderId comes twice/],
    ['orderId,myKeyId,partnerPoints,note', /"note" is not known/],
    ['A-1,WH7KTXH4,500', /"A-1" is not known/],
  ])('is refused as %j', (text, reason) => {
    expect(header(text)).toEqual({ reason: expect.stringMatching(reason) as string });
  });

  it('is missing from an empty file', () => {
    expect(readHeader(undefined)).toEqual({ reason: 'the file is empty' });
  });
});
