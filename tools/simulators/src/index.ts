export { startCardScheme, type CardScheme, type CardSchemeOptions, type Control, type Credited } from './card-scheme.js';
export {
  startWebhookReceiver,
  type ReceivedWebhook,
  type ReceiverControl,
  type WebhookReceiver,
  type WebhookReceiverOptions,
} from './webhook-receiver.js';
