import { createPublicKey } from 'node:crypto';
import { problem, type Problem } from '@points/http';
import { createVerifier, httpbis } from 'http-message-signatures';
import { isInnerList, parseDictionary, type Dictionary } from 'structured-headers';
import type { UploadKeyView } from './upload-keys.js';

/** What a signature is about, as it came. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The signature that was verified. Its nonce is used up together with what it signed. */
export interface CheckedSignature {
  readonly kid: string;
  readonly nonce: string;
}

/** RFC 9421, §7.2.1: what is not covered could be exchanged. The query has the mode. */
export const coveredComponents = ['@method', '@path', '@query', 'content-digest', 'content-type'] as const;
const requiredParams = ['created', 'keyid', 'nonce'];
/** Since `created`; long enough for a clock that is a little wrong, and nonces are kept for ever. */
export const signatureAgeSecondsMax = 300;
const clockSkewSecondsMax = 60;
const nonceForm = /^[\x21-\x7e]{8,128}$/;

/**
 * Verifies the HTTP Message Signature (RFC 9421) of an upload: undefined when there is none and none is needed. A key that waits for a
 * second person counts for nothing, so that one person can neither let files in nor keep them out. The body is covered by
 * its Content-Digest, so this comes before a single byte of it.
 * @throws Problem 401 `signature-missing`, `signature-invalid`, `signature-key-unknown`
 */
export async function checkSignature(
  request: SignedRequest,
  registered: readonly UploadKeyView[],
  now: Date,
): Promise<CheckedSignature | undefined> {
  const keys = registered.filter((one) => one.state === 'approved');
  const [input, signature] = [headerOf(request, 'signature-input'), headerOf(request, 'signature')];
  if (input === undefined && signature === undefined) {
    if (keys.length === 0) return undefined;
    throw problem(401, 'signature-missing', `this partner signs its files (RFC 9421): cover ${coveredComponents.join(', ')}`, {
      covered: coveredComponents,
    });
  }
  if (input === undefined || signature === undefined) throw invalid('Signature-Input and Signature come together');
  const { kid, nonce } = readInput(input);
  const key = keys.find((one) => one.kid === kid);
  if (!key || key.from > now.toISOString() || (key.to !== undefined && key.to <= now.toISOString()))
    throw problem(401, 'signature-key-unknown', 'the partner has no key with this keyid that holds now', { keyid: kid });
  const isRight = await verified(request, key, now);
  if (isRight !== true) throw invalid('the signature does not fit the request and the key');
  return { kid, nonce };
}

/**
 * One signature, and of each component the whole: the library takes `"content-digest";key="sha-512"` for content-digest, and that would
 * leave the digest that is compared here uncovered.
 */
function readInput(text: string): CheckedSignature {
  let inputs: Dictionary;
  try {
    inputs = parseDictionary(text);
  } catch {
    throw invalid('Signature-Input is no dictionary (RFC 8941)');
  }
  const [input, ...more] = [...inputs.values()];
  if (!input || more.length > 0) throw invalid('one signature is needed, no more');
  if (!isInnerList(input)) throw invalid('Signature-Input lists no components');
  const components = input[0];
  const params: ReadonlyMap<string, unknown> = input[1];
  const names = components.map(([name, ofName]): unknown => (ofName.size === 0 ? name : undefined));
  const missing = coveredComponents.filter((one) => !names.includes(one));
  if (missing.length > 0) throw invalid(`the signature must cover ${missing.join(', ')}, without parameters`);
  const [kid, nonce, created] = [params.get('keyid'), params.get('nonce'), params.get('created')];
  if (typeof kid !== 'string' || typeof nonce !== 'string' || typeof created !== 'number')
    throw invalid(`the signature needs the parameters ${requiredParams.join(', ')}`);
  if (!nonceForm.test(nonce)) throw invalid('the nonce has 8 to 128 printable characters');
  return { kid, nonce };
}

async function verified(request: SignedRequest, key: UploadKeyView, now: Date): Promise<boolean | null> {
  const { method, url, headers } = request;
  const given = Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  try {
    return await httpbis.verifyMessage(
      {
        keyLookup: (params) =>
          Promise.resolve(
            params.keyid === key.kid
              ? { id: key.kid, algs: [key.algorithm], verify: createVerifier(createPublicKey(key.publicKey), key.algorithm) }
              : null,
          ),
        requiredFields: [...coveredComponents],
        requiredParams,
        maxAge: signatureAgeSecondsMax,
        notAfter: new Date(now.getTime() + clockSkewSecondsMax * 1_000),
      },
      { method, url: new URL(url, `http://${headerOf(request, 'host') ?? 'localhost'}`), headers: given },
    );
  } catch (error) {
    // The library names what is wrong with a signature by its classes of errors; what it cannot read throws others.
    throw invalid(error instanceof Error ? error.message : 'the signature cannot be read');
  }
}

function headerOf({ headers }: SignedRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function invalid(detail: string): Problem {
  return problem(401, 'signature-invalid', detail, { covered: coveredComponents });
}
