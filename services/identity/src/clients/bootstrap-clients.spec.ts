import { parseBootstrapClients } from './bootstrap-clients.js';

const client = { clientId: 'operator', secret: 'a'.repeat(43), scopes: ['clients:write', 'clients:read'], tenants: ['*'] };

describe('the file of bootstrap clients', () => {
  it('is read with a kind and a name of its own where it names none', () => {
    expect(parseBootstrapClients(JSON.stringify([client]))).toEqual([
      { ...client, name: 'operator', kind: 'tool', scopes: ['clients:read', 'clients:write'] },
    ]);
  });

  it('may be empty', () => {
    expect(parseBootstrapClients('[]')).toEqual([]);
  });

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['no list', '{}', 'must be a list'],
    ['a short secret', JSON.stringify([{ ...client, secret: 'short' }]), 'client 1, secret'],
    ['a secret that Basic authentication would garble', JSON.stringify([{ ...client, secret: 'a%20b'.repeat(10) }]), 'client 1, secret'],
    ['a wrong id', JSON.stringify([{ ...client, clientId: 'Ope rator' }]), 'client 1, clientId'],
    ['a wrong scope', JSON.stringify([client, { ...client, clientId: 'two', scopes: ['everything'] }]), 'client 2, scopes'],
    ['a wrong check digit', JSON.stringify([{ ...client, tenants: ['141306'] }]), 'client 1, tenants'],
    ['all tenants beside one', JSON.stringify([{ ...client, tenants: ['*', '141305'] }]), 'client 1, tenants'],
    ['an unknown kind', JSON.stringify([{ ...client, kind: 'god' }]), 'client 1, kind'],
    ['an unknown field', JSON.stringify([{ ...client, scope: 'x' }]), 'client 1, scope: is not known'],
    ['an id twice', JSON.stringify([client, client]), 'twice'],
  ])('with %s is refused, and no secret is repeated', (_, text, says) => {
    expect(() => parseBootstrapClients(text)).toThrow(says);
    expect(() => parseBootstrapClients(text)).not.toThrow(/aaaa|a%20b|short/);
  });
});
