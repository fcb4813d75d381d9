import { problem, type Problem } from '@points/http';
import { isInnerList, parseDictionary, type Dictionary } from 'structured-headers';

/** The SHA-256 that the header Content-Digest (RFC 9530) promises of the body, in base64. @throws Problem 400 */
export function promisedDigest(header: string | string[] | undefined): string {
  if (header === undefined) throw wrong('content-digest-missing', 'is missing');
  let digests: Dictionary;
  try {
    digests = parseDictionary(Array.isArray(header) ? header.join(', ') : header);
  } catch {
    throw wrong('content-digest-malformed', 'is no dictionary (RFC 8941)');
  }
  const digest = digests.get('sha-256');
  if (!digest || isInnerList(digest) || !(digest[0] instanceof ArrayBuffer) || digest[0].byteLength !== 32)
    throw wrong('content-digest-malformed', 'has no sha-256 of 32 bytes');
  return Buffer.from(digest[0]).toString('base64');
}

function wrong(code: string, reason: string): Problem {
  return problem(
    400,
    code,
    `the header Content-Digest ${reason}; send Content-Digest: sha-256=:<base64 of the SHA-256 of the body>: (RFC 9530)`,
  );
}
