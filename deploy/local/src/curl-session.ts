import { demoMunicipality } from './clients.js';

/** Shell text that works when pasted: a token, a resident, an exchange, the balance, a payment at a shop. `cloudFile` holds the secret, so that none is printed. */
export function curlSession(urls: ReadonlyMap<string, string>, cloudFile: string): string {
  const of = (service: string) => `${urls.get(service) ?? ''}/v1/municipalities/${demoMunicipality}`;
  const programme = `${demoMunicipality}-tamana`;
  const field = (name: string) => `sed 's/.*"${name}":"\\([^"]*\\)".*/\\1/'`;
  const post = (path: string, body: string) =>
    `curl -s -X POST ${path} -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -H 'Content-Type: application/json' -d '${body}'`;
  const get = (path: string) => `curl -s -H "Authorization: Bearer $TOKEN" ${path}`;
  return [
    '# a token for Tamana (432067)',
    `SECRET=$(node -p 'JSON.parse(require("fs").readFileSync("${cloudFile}")).clients.demo.secret')`,
    `TOKEN=$(curl -s -u "demo:$SECRET" -d grant_type=client_credentials ${urls.get('identity') ?? ''}/token | ${field('access_token')})`,
    '# a resident with a new My Key ID',
    `RESIDENT=$(${post(`${of('identity')}/holders`, '{}')})`,
    `HOLDER=$(echo "$RESIDENT" | ${field('holder')}); KEY=$(echo "$RESIDENT" | ${field('myKeyId')}); echo "$RESIDENT"`,
    '# 300 points of the mobile carrier become 300 points of Tamana',
    post(
      `${of('exchange')}/programmes/${programme}/exchange-orders`,
      `{"orderId":"'$KEY'-1","myKeyId":"'$KEY'","partner":"mobile-a","partnerPoints":300}`,
    ),
    '# the balance, lot by lot',
    `echo; ${get(`${of('ledger')}/programmes/${programme}/holders/$HOLDER/balance`)}`,
    '# 120 points at a shop of たまなスタンプ会',
    `echo; ${post(`${of('settlement')}/programmes/${programme}/payments`, `{"shop":"stamp-01","myKeyId":"'$KEY'","amount":120}`)}; echo`,
  ].join('\n');
}
