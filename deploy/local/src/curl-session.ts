/** Shell text that works when pasted: a token, an exchange, a balance, a payment at a shop. `cloudFile` holds the secret, so that none is printed. */
export function curlSession(urls: ReadonlyMap<string, string>, cloudFile: string): string {
  const url = (name: string) => urls.get(name) ?? '';
  const secret = `node -p 'JSON.parse(require("fs").readFileSync("${cloudFile}")).clients.demo.secret'`;
  const post = (path: string, body: object) =>
    `curl -s -X POST ${path} -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
  const get = (path: string) => `curl -s -H "Authorization: Bearer $TOKEN" ${path}`;
  return [
    '# a token for Kawasaki (141305)',
    `SECRET=$(${secret})`,
    `TOKEN=$(curl -s -u "demo:$SECRET" -d grant_type=client_credentials ${url('identity')}/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    '# a resident',
    post(`${url('identity')}/v1/municipalities/141305/holders`, {}),
    '# the programmes and their rules',
    get(`${url('ledger')}/v1/municipalities/141305/programmes`),
  ].join('\n');
}
