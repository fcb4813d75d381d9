import type { WebhookInfo } from '@points/http';
import { partnerEvents } from './event-types.js';

/** As OpenAPI has them. */
export const webhooks: readonly WebhookInfo[] = Object.entries(partnerEvents).map(([name, event]) => ({ name, ...event }));
