import { decided, type Decision } from './decision.js';

const refusal = { code: 'programme-closed', detail: 'closed', facts: {} };

it.each<[Decision, Parameters<typeof decided>[1], Decision]>([
  [{ state: 'pending' }, { posted: 'p1' }, { state: 'confirmed', posting: 'p1' }],
  [{ state: 'pending' }, { refused: refusal }, { state: 'refused', refusal }],
  [{ state: 'confirmed', posting: 'p1' }, { refused: refusal }, { state: 'confirmed', posting: 'p1' }],
  [{ state: 'refused', refusal }, { posted: 'p1' }, { state: 'refused', refusal }],
])('the ledger’s first word stays: %j', (before, outcome, after) => {
  expect(decided(before, outcome)).toEqual(after);
});
