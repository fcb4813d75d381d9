import { Controller } from '@nestjs/common';
import { programmeChangedV1, type ProgrammeChanged } from '@points/contracts';
import { OnEvent, type BatchContext, type Received } from '@points/messaging';
import { keepProgrammes } from './programme-facts.js';

@Controller()
export class OnProgrammeChanged {
  @OnEvent(programmeChangedV1)
  async hear(events: Received<ProgrammeChanged>[], { tx }: BatchContext): Promise<void> {
    await keepProgrammes(
      tx,
      events.map((one) => one.data),
    );
  }
}
