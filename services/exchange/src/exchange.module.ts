import { Module } from '@nestjs/common';
import { AllocateDue } from './allocate-reserve/allocate-due.job.js';
import { OperateReserveController } from './allocate-reserve/operate-reserve.http.js';
import { ReserveController } from './allocate-reserve/reserve.http.js';
import { ChangesController } from './change-terms/changes.http.js';
import { GiveBackUnanswered } from './convert-points/give-back.job.js';
import { ConversionsController } from './convert-points/conversions.http.js';
import { CreditAtScheme } from './convert-points/credit-at-scheme.job.js';
import { MakeFiles } from './credit-by-file/make-files.job.js';
import { SchemeFilesController } from './credit-by-file/scheme-files.http.js';
import { SchemeResultsController } from './credit-by-file/scheme-results.http.js';
import { AskPartners } from './exchange-by-link/ask-partners.job.js';
import { LinkOrdersController } from './exchange-by-link/link-orders.http.js';
import { OnPostingCompleted } from './hear-postings/on-posting-completed.js';
import { OnProgrammeChanged } from './know-programmes/on-programme-changed.js';
import { ConnectionsController } from './link-accounts/connections.http.js';
import { LinkTokens } from './link-accounts/link-tokens.js';
import { LinksController } from './link-accounts/links.http.js';
import { SealKeeper } from './link-accounts/seal-keeper.js';
import { SignInAtPartner } from './link-accounts/sign-in-at-partner.js';
import { OnHolderRegistered } from './link-holders/on-holder-registered.js';
import { OrderListController } from './list-orders/order-list.http.js';
import { ExchangeOrdersController } from './place-exchange-order/exchange-orders.http.js';
import { OrderDesk } from './place-exchange-order/order-desk.js';
import { OrderEnds } from './place-exchange-order/order-ends.js';
import { Prune } from './prune.job.js';
import { QuotesController } from './quote-orders/quotes.http.js';
import { ReconciliationsController } from './reconcile-partners/reconciliations.http.js';
import { SchemeReconciliationsController } from './reconcile-schemes/scheme-reconciliations.http.js';
import { CouponBatchesController } from './redeem-coupons/coupon-batches.http.js';
import { CouponKey } from './redeem-coupons/coupon-key.js';
import { RedemptionsController } from './redeem-coupons/redemptions.http.js';
import { ScreeningController } from './screen-orders/screening.http.js';
import { ReversalsController } from './reverse-orders/reversals.http.js';
import { CampaignsController } from './run-campaigns/campaigns.http.js';
import { PartnersController } from './set-up-partners/partners.http.js';
import { SchemesController } from './set-up-schemes/schemes.http.js';
import { InvoicePartiesController } from './state-accounts/invoice-parties.http.js';
import { StatementsController } from './state-accounts/statements.http.js';
import { DeliverWebhooks } from './tell-partners/deliver-webhooks.job.js';
import { WebhookEndpointsController } from './tell-partners/webhook-endpoints.http.js';
import { ReceiveUpload } from './upload-orders/receive-upload.js';
import { UploadKeysController } from './upload-orders/upload-keys.http.js';
import { UploadsController } from './upload-orders/uploads.http.js';
import { WorkUploads } from './upload-orders/work-uploads.job.js';
import { Waiting } from './waiting.js';

@Module({
  controllers: [
    PartnersController,
    ChangesController,
    CampaignsController,
    QuotesController,
    ScreeningController,
    CouponBatchesController,
    RedemptionsController,
    ExchangeOrdersController,
    ReversalsController,
    StatementsController,
    InvoicePartiesController,
    ReconciliationsController,
    ConnectionsController,
    LinksController,
    LinkOrdersController,
    OrderListController,
    UploadsController,
    UploadKeysController,
    SchemesController,
    SchemeReconciliationsController,
    SchemeFilesController,
    SchemeResultsController,
    ConversionsController,
    ReserveController,
    OperateReserveController,
    WebhookEndpointsController,
    OnPostingCompleted,
    OnHolderRegistered,
    OnProgrammeChanged,
  ],
  providers: [
    ...[Waiting, OrderDesk, OrderEnds, CouponKey, Prune, CreditAtScheme, DeliverWebhooks, AllocateDue],
    ...[MakeFiles, GiveBackUnanswered],
    ...[SealKeeper, SignInAtPartner, LinkTokens, AskPartners, ReceiveUpload, WorkUploads],
  ],
})
export class ExchangeModule {}
