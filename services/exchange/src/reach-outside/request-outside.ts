import { lookup, Resolver } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { ExchangeConfig } from '../exchange.config.js';
import { addressOf, urlProblem } from './outside-url.js';
import { isPublicAddress } from './public-address.js';

export interface Reach {
  /** Of this machine and its networks, any port, and there by http too. */
  readonly allowPrivate: boolean;
  /** Instead of the system's resolver and the rule of addresses. */
  readonly resolve?: (host: string) => Promise<readonly Address[]>;
  readonly isAllowed?: (address: string) => boolean;
}

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface OutsideRequest {
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
}

/** The companies that the staff connects: linked partners and card schemes. */
export function reachOf(config: Pick<ExchangeConfig, 'OUTSIDE_ALLOW_PRIVATE'>): Reach {
  return { allowPrivate: config.OUTSIDE_ALLOW_PRIVATE === 'true' };
}

/** Nothing has left this machine. */
export class NotSent extends Error {}

/**
 * The only way out to other companies' machines, whose addresses come from outside too. The name is resolved once per call, every address
 * it has is checked, and the connection goes to one of those: a name that answers otherwise a moment later (DNS rebinding) changes
 * nothing. Redirects are not followed, proxies of the environment are not used (an agent of our own has none), and no connection is kept
 * for another call.
 * @throws NotSent, what the network says, or the reason of `stop`
 */
export async function requestOutside(text: string, request: OutsideRequest, reach: Reach, stop: AbortSignal): Promise<IncomingMessage> {
  const problem = urlProblem(text, reach);
  if (problem) throw new NotSent(`the URL ${problem}`);
  const url = new URL(text);
  const addresses = await within(stop, addressesOf(url, reach));
  return send(url, addresses, request, stop);
}

const dnsMsMax = 2_000;
const headerBytesMax = 16_384;

async function addressesOf(url: URL, reach: Reach): Promise<readonly Address[]> {
  const literal = addressOf(url);
  const resolve = reach.resolve ?? (reach.allowPrivate ? resolveHere : resolveByDns);
  const found = literal === undefined ? await resolve(url.hostname) : [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  if (found.length === 0) throw new NotSent('the host has no address');
  if (!reach.isAllowed && url.protocol === 'http:' && found.some((one) => isPublicAddress(one.address)))
    throw new NotSent('a public address is reached by https only');
  const isAllowed = reach.isAllowed ?? (reach.allowPrivate ? () => true : isPublicAddress);
  // One bad address is enough: which of them would be taken is not ours to say.
  if (!found.every((one) => isAllowed(one.address))) throw new NotSent('the host has a private, local or reserved address');
  return found;
}

/** By DNS alone, without this machine's hosts file, and not in the four threads in which slow names would hold up everybody. */
async function resolveByDns(host: string): Promise<Address[]> {
  const resolver = new Resolver({ timeout: dnsMsMax, tries: 2 });
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason;
  return [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ];
}

/** As any program of this machine: localhost and the names of containers too. */
function resolveHere(host: string): Promise<Address[]> {
  return lookup(host, { all: true });
}

function send(
  url: URL,
  addresses: readonly Address[],
  { method, headers, body }: OutsideRequest,
  stop: AbortSignal,
): Promise<IncomingMessage> {
  const isSecure = url.protocol === 'https:';
  const checked: LookupFunction = (_, options, done) => {
    if (options.all) done(null, [...addresses]);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      // Asked by node for a name only, never for a literal address.
      lookup: checked,
      agent: isSecure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
      signal: stop,
      maxHeaderSize: headerBytesMax,
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    });
    request.once('response', resolve);
    // Also what happens to the connection while the answer is read: whoever reads it has a word of its own on that.
    request.on('error', (error) => reject(stop.aborted ? (stop.reason as Error) : error));
    // The one event that always comes: an answer that node will not pass on (101) closes without an error.
    request.once('close', () => reject(new Error('closed without an answer')));
    request.end(body);
  });
}

function within<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => reject(stop.reason as Error);
    if (stop.aborted) give();
    stop.addEventListener('abort', give, { once: true });
    void work.then(resolve, reject).finally(() => stop.removeEventListener('abort', give));
  });
}
