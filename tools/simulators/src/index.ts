export { startCardScheme, type CardScheme, type CardSchemeOptions, type Control, type Credited } from './card-scheme.ts';
export { defects, type Balance, type Defect, type Reservation } from './partner-site/books.ts';
export { startPartnerSite, testAccounts, type PartnerSite, type PartnerSiteOptions } from './partner-site/partner-site.ts';
export {
  startWebhookReceiver,
  type ReceivedWebhook,
  type ReceiverControl,
  type WebhookReceiver,
  type WebhookReceiverOptions,
} from './webhook-receiver.ts';
