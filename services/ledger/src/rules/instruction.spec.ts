import { parseInstant, points, programmeId } from '@points/kernel';
import { semanticContent, type Instruction, type PostingRequest } from './instruction.js';

const request = (instruction: Instruction, more: Partial<PostingRequest> = {}): PostingRequest => ({
  reference: 'test:1',
  programme: programmeId('141305-trial'),
  account: 'holder:h',
  instruction,
  ...more,
});
const spend: Instruction = { kind: 'spend', amount: points(5), to: 'merchant:m', places: ['shop:a', 'group:b'] };

describe('the content of a request', () => {
  it('is a text that does not change from release to release: the ledger keeps it for ever', () => {
    expect(semanticContent(request(spend))).toBe(
      '["holder:h",null,[["amount",5],["kind","spend"],["places",["group:b","shop:a"]],["to","merchant:m"]]]',
    );
    expect(
      semanticContent(
        request(
          { kind: 'capture', hold: 'h', amount: points(5), final: true, to: 'merchant:m' },
          { effectiveAt: parseInstant('2018-01-01T00:00:00Z') },
        ),
      ),
    ).toBe(
      '["holder:h","2018-01-01T00:00:00.000Z",[["amount",5],["final",true],["hold","h"],["kind","capture"],["to","merchant:m"],["use","spend"]]]',
    );
    expect(semanticContent(request({ kind: 'release', hold: 'h' }))).toBe('["holder:h",null,[["hold","h"],["kind","release"]]]');
  });

  it('is the same when a field is left out and when it is undefined', () => {
    const hold = { kind: 'hold', hold: 'h', amount: points(5), places: [] } as const;
    // JSON drops what is undefined; a caller in the same process may still send it.
    expect(semanticContent(request({ ...hold, expiresAt: undefined } as unknown as Instruction))).toBe(semanticContent(request(hold)));
  });

  it('is the same whatever the order of fields and tags', () => {
    expect(semanticContent(request({ places: ['group:b', 'shop:a', 'group:b'], to: 'merchant:m', amount: points(5), kind: 'spend' }))).toBe(
      semanticContent(request(spend)),
    );
  });

  it('is the same when a default is written out', () => {
    const capture: Instruction = { kind: 'capture', hold: 'h', amount: points(5), final: true, to: 'merchant:m' };
    expect(semanticContent(request({ ...capture, use: 'spend' }))).toBe(semanticContent(request(capture)));
    expect(semanticContent(request({ ...capture, use: 'convert' }))).not.toBe(semanticContent(request(capture)));
  });

  it.each<[string, PostingRequest]>([
    ['the amount', request({ ...spend, amount: points(6) })],
    ['the receiver', request({ ...spend, to: 'merchant:n' })],
    ['the places', request({ ...spend, places: ['shop:a'] })],
    ['the kind', request({ ...spend, kind: 'donate' })],
    ['the account', request(spend, { account: 'holder:i' })],
    ['the effective time', request(spend, { effectiveAt: parseInstant('2018-01-01T00:00:00Z') })],
  ])('differs with %s', (_, other) => {
    expect(semanticContent(other)).not.toBe(semanticContent(request(spend)));
  });
});
