import { decideScopes, mayMunicipalityGive, scopeForm } from './scopes.js';

describe('the scopes of a token', () => {
  const registered = ['holders:read', 'holders:write'];

  it.each([
    ['what was asked for', 'holders:read', ['holders:read']],
    ['each scope once', 'holders:read holders:read', ['holders:read']],
    ['everything registered when nothing was asked for', undefined, registered],
    ['everything registered when an empty text was asked for', '', registered],
  ])('are %s', (_, asked, granted) => {
    expect(decideScopes(registered, asked)).toEqual({ ok: true, granted });
  });

  it('are refused as a whole when one is not registered', () => {
    expect(decideScopes(registered, 'holders:read clients:write')).toEqual({ ok: false, refused: ['clients:write'] });
  });
});

describe('a municipality', () => {
  it.each(['holders:read', 'payments:write', 'partners:read'])('gives its clients %s', (scope) => {
    expect(mayMunicipalityGive(scope)).toBe(true);
  });

  it.each([
    'clients:write',
    'clients:read',
    'holders:republish',
    'programmes:write',
    'partners:write',
    'history:write',
    'holders',
    '*',
    '',
  ])('does not give "%s"', (scope) => {
    expect(mayMunicipalityGive(scope)).toBe(false);
  });

  it('has only scopes of the right form to give', () => {
    expect(['holders:read', 'payments:write'].every((scope) => scopeForm.test(scope))).toBe(true);
    expect(['holders', 'Holders:read', 'holders:read ', 'a:b:c'].some((scope) => scopeForm.test(scope))).toBe(false);
  });
});
