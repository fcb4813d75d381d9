import { isIP } from 'node:net';
import { problem } from '@points/http';
import { isPublicAddress } from './public-address.js';

/** What the text of a URL alone tells: why nothing may be sent there, or undefined. Names are checked when one connects. */
export function urlProblem(text: string, { allowPrivate }: { readonly allowPrivate: boolean }): string | undefined {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'must be an https URL, such as https://partner.example/webhooks';
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password: what is sent is signed';
  if (url.hash !== '') return 'must not hold a fragment (#…)';
  if (allowPrivate) return undefined;
  if (url.protocol !== 'https:') return 'must begin with https://';
  const port = Number(url.port || 443);
  if (port !== 443 && port < ownPortMin) return `must use port 443 or one from ${ownPortMin} on`;
  // WHATWG URL has already read every spelling of an address: 0x7f.1, 017700000001, 2130706433 are 127.0.0.1 here.
  const address = addressOf(url);
  return address !== undefined && !isPublicAddress(address) ? 'must not name a private, local or reserved address' : undefined;
}

/** What is kept as somewhere to go is refused when it is set, not when it is first needed. @throws Problem */
export function mustBeReachable(urls: Readonly<Record<string, string>>, reach: { readonly allowPrivate: boolean }): void {
  for (const [field, url] of Object.entries(urls)) {
    const reason = urlProblem(url, reach);
    if (reason) throw problem(422, 'invalid-request', `the body is wrong: ${field} ${reason}`, { errors: [{ field, reason }] });
  }
}

/** The address when the host is one and not a name. */
export function addressOf(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) ? host : undefined;
}

/** Below are the well-known ports of other protocols. */
const ownPortMin = 1_024;
