import { Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, ProgrammePath, type Answer, type Cause } from '@points/http';
import { AllocateDue } from './allocate-due.job.js';
import { askPartAgain, tryArrivalAgain } from './ask-again.js';
import { ArrivalPath, PartPath, PartTroubleView, RefusedArrivalView, ReserveTroublesView } from './operate-shapes.js';
import { requireReserve } from './reserve-books.js';
import { findPartTroubles, findRefusedArrivals } from './troubles.js';

/** For operators, with a scope of their own: a portal that chooses for residents has no business here. */
@Controller('v1/municipalities/:municipality/programmes/:programme/reserve')
export class OperateReserveController {
  constructor(
    private readonly database: Database,
    private readonly due: AllocateDue,
  ) {}

  @Get('troubles')
  @Operation({
    summary: 'For an operator: parts in dispute, with both sides, and points that their base programme refuses; the oldest 200 of each',
    scope: 'reserve:operate',
    answer: ReserveTroublesView,
    problems: ['no-reserve'],
  })
  troubles(@Param() { municipality, programme }: ProgrammePath): Promise<ReserveTroublesView> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      await requireReserve(tx, programme);
      return { parts: await findPartTroubles(tx, programme), arrivals: await findRefusedArrivals(tx, programme) };
    });
  }

  @Post('allocations/:allocationId/parts/:part/attempts')
  @Operation({
    summary: 'For an operator: have the ledger asked again for the step of a part in dispute',
    description:
      'The ledger refused a capture or a release of a hold that it had confirmed, for a cause that should be gone now. The answer shows both sides: what ' +
      'this service has written down and asks for, and what the ledger answered last. 202: it is asked; look again.',
    scope: 'reserve:operate',
    status: 202,
    answer: PartTroubleView,
    problems: ['unknown-part', 'not-waiting', 'too-many-askings'],
  })
  askAgain(@Param() path: PartPath, @CauseOf() cause: Cause): Promise<Answer<PartTroubleView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(202, await askPartAgain(tx, path.programme, path))),
    );
  }

  @Post('arrivals/:arrival/attempts')
  @Operation({
    summary: 'For an operator: try points again now that their base programme has refused, with all tries anew',
    scope: 'reserve:operate',
    status: 202,
    answer: RefusedArrivalView,
    problems: ['unknown-arrival', 'not-waiting'],
  })
  tryAgain(@Param() path: ArrivalPath, @CauseOf() cause: Cause): Promise<Answer<RefusedArrivalView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const arrival = await tryArrivalAgain(tx, path.programme, path.arrival);
        tx.afterCommit(() => this.due.nudge());
        return answer(202, arrival);
      }),
    );
  }
}
