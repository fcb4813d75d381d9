import { Module } from '@nestjs/common';
import { ActivitiesController } from './activities/activities.http.js';
import { ActivityGrantsController } from './activity-grants/activity-grants.http.js';
import { DonationsController } from './donations/donations.http.js';
import { FacilitiesController } from './facilities/facilities.http.js';
import { FundsController } from './funds/funds.http.js';
import { HolderRegisteredController } from './holders/on-holder-registered.js';
import { Decisions } from './ledger-answers/decisions.js';
import { PostingCompletedController } from './ledger-answers/on-posting-completed.js';
import { OrdersController } from './orders/orders.http.js';
import { ProductsController } from './products/products.http.js';

@Module({
  controllers: [
    ProductsController,
    FacilitiesController,
    FundsController,
    ActivitiesController,
    OrdersController,
    DonationsController,
    ActivityGrantsController,
    PostingCompletedController,
    HolderRegisteredController,
  ],
  providers: [Decisions],
})
export class CatalogModule {}
