import { Controller, Get, Inject } from '@nestjs/common';
import { Database } from '@points/database';
import { answer, Operation, type Answer } from '@points/http';
import { Messaging } from '@points/messaging';
import { IsBoolean, IsIn, IsString } from 'class-validator';

class Live {
  @IsIn(['live', 'stuck'])
  status!: 'live' | 'stuck';
}

class Ready {
  @IsIn(['ready', 'not-ready'])
  status!: 'ready' | 'not-ready';

  @IsBoolean()
  database!: boolean;

  @IsBoolean()
  broker!: boolean;

  @IsString()
  consumer!: string;
}

/** Live: the process is worth keeping. Ready: it can do its work now, so every part it needs was just asked. */
@Controller('health')
export class HealthController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Messaging) private readonly messaging: Messaging,
  ) {}

  @Get('live')
  @Operation({ summary: 'Is the process alive', public: true, answer: Live, also: { 503: Live } })
  live(): Answer<Live> {
    const stuck = this.messaging.health().consumer === 'stuck';
    return answer(stuck ? 503 : 200, { status: stuck ? 'stuck' : 'live' });
  }

  @Get('ready')
  @Operation({ summary: 'Can the service do its work: database, broker, consumer', public: true, answer: Ready, also: { 503: Ready } })
  async ready(): Promise<Answer<Ready>> {
    const database = await this.database.isReachable();
    const { broker, consumer } = this.messaging.health();
    const ready = database && broker && consumer === 'running';
    return answer(ready ? 200 : 503, { status: ready ? 'ready' : 'not-ready', database, broker, consumer });
  }
}
