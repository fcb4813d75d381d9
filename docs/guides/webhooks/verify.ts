import { createHmac, timingSafeEqual } from 'node:crypto';

const toleranceSeconds = 300;

/** What the webhook says. Throws when it is not ours, was changed on the way, or is older than 5 minutes. */
export function verifyWebhook(body: string, headers: Record<string, string | undefined>, secret: string): unknown {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !timestamp || !signatures) throw new Error('a header of the webhook is missing');
  if (!(Math.abs(Date.now() / 1_000 - Number(timestamp)) <= toleranceSeconds)) throw new Error('the webhook is too old or too new');
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  const isOurs = signatures.split(' ').some((signature) => {
    const [version, text = ''] = signature.split(',');
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!isOurs) throw new Error('no signature of the webhook is right');
  return JSON.parse(body);
}
