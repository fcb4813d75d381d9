import { Webhook } from 'standardwebhooks';

/** What the webhook says. Throws when it is not ours, was changed on the way, or is older than 5 minutes. */
export function verifyWebhook(body: string, headers: Record<string, string>, secret: string): unknown {
  return new Webhook(secret).verify(body, headers);
}
