import { Module } from '@nestjs/common';
import { BootstrapClients } from './clients/bootstrap-clients.job.js';
import { MunicipalityClientsController } from './clients/municipality-clients.http.js';
import { PlatformClientsController } from './clients/platform-clients.http.js';
import { HoldersController } from './holders/holders.http.js';
import { PlatformHoldersController } from './holders/platform-holders.http.js';
import { PruneExpiredJob } from './provider/prune-expired.job.js';

@Module({
  controllers: [PlatformClientsController, MunicipalityClientsController, HoldersController, PlatformHoldersController],
  providers: [BootstrapClients, PruneExpiredJob],
})
export class IdentityModule {}
