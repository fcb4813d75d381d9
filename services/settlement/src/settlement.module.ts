import { Module } from '@nestjs/common';
import { HolderCache } from './holders/holder-cache.js';
import { OnHolderRegistered } from './holders/on-holder-registered.js';
import { NoticeBoard } from './notices/notice-board.js';
import { LapseHolds } from './payments/lapse-holds.job.js';
import { OnPostingCompleted } from './payments/on-posting-completed.js';
import { PaymentDesk } from './payments/payment-desk.js';
import { PaymentsController } from './payments/payments.http.js';
import { Till } from './payments/take-payment.js';
import { WaitingCalls } from './payments/waiting-calls.js';
import { GroupsController } from './shops/groups.http.js';
import { ShopCache } from './shops/shop-cache.js';
import { ShopsController } from './shops/shops.http.js';

@Module({
  controllers: [GroupsController, ShopsController, PaymentsController, OnHolderRegistered, OnPostingCompleted],
  providers: [ShopCache, HolderCache, WaitingCalls, PaymentDesk, Till, NoticeBoard, LapseHolds],
})
export class SettlementModule {}
