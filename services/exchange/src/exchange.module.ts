import { Module } from '@nestjs/common';
import { ConversionsController } from './convert-points/conversions.http.js';
import { CreditAtScheme } from './convert-points/credit-at-scheme.job.js';
import { OnPostingCompleted } from './hear-postings/on-posting-completed.js';
import { OnHolderRegistered } from './link-holders/on-holder-registered.js';
import { ExchangeOrdersController } from './place-exchange-order/exchange-orders.http.js';
import { PartnersController } from './set-up-partners/partners.http.js';
import { SchemesController } from './set-up-schemes/schemes.http.js';
import { Waiting } from './waiting.js';

@Module({
  controllers: [
    PartnersController,
    ExchangeOrdersController,
    SchemesController,
    ConversionsController,
    OnPostingCompleted,
    OnHolderRegistered,
  ],
  providers: [Waiting, CreditAtScheme],
})
export class ExchangeModule {}
