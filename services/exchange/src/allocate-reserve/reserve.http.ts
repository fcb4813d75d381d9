import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { holderOf } from '../link-accounts/link.js';
import { allocateReserve } from './allocate.js';
import { findAllocations } from './find-allocation.js';
import { nameBase, openReserve, readHolderReserve, requireReserve } from './reserve-books.js';
import {
  AllocateReserve,
  AllocationPath,
  AllocationView,
  BasePath,
  BaseView,
  HolderQuery,
  HolderReserveView,
  NameBase,
  ReserveView,
} from './reserve-shapes.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/reserve')
export class ReserveController {
  constructor(private readonly database: Database) {}

  @Put()
  @Operation({
    summary: 'Make the programme a reserve: its points wait 14 days for their holder to choose a municipality',
    scope: 'partners:write',
    answer: ReserveView,
    also: { 201: ReserveView },
    problems: ['orders-came-before'],
  })
  async open(@Param() path: ProgrammePath, @CauseOf() cause: Cause): Promise<Answer<ReserveView>> {
    const { programme } = path;
    const { isNew, openedAt } = await this.database.transaction(tenants(path.municipality), (tx) =>
      openReserve(tx, programme, { client: cause.client, now: now() }),
    );
    return answer(isNew ? 201 : 200, { programme, openedAt });
  }

  @Get()
  @Operation({
    summary: 'What a holder has in the reserve: points that wait, until when, where they go by themselves, and what became of allocations',
    scope: 'reserve:read',
    answer: HolderReserveView,
    problems: ['no-reserve', 'unknown-my-key-id'],
  })
  read(@Param() path: ProgrammePath, @Query() query: HolderQuery): Promise<HolderReserveView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await requireReserve(tx, path.programme);
      return readHolderReserve(tx, path.programme, await holderOf(tx, query.myKeyId), now());
    });
  }

  @Put('base-programmes/:myKeyId')
  @Operation({
    summary: 'Name the holder’s base programme, from now on',
    description:
      'Points that nobody chose for go there on the 15th day, 00:00 in Tokyo. What fell due while none was named goes to the first one named.',
    scope: 'reserve:write',
    answer: BaseView,
    problems: ['no-reserve', 'unknown-my-key-id', 'target-is-reserve'],
  })
  nameBase(@Param() path: BasePath, @Body() body: NameBase, @CauseOf() cause: Cause): Promise<BaseView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await requireReserve(tx, path.programme);
      const holder = await holderOf(tx, path.myKeyId);
      const base = await nameBase(tx, { programme: path.programme, holder }, body.programme, { client: cause.client, now: now() });
      return { programme: base.programme, namedAt: base.namedAt };
    });
  }

  @Post('allocations')
  @Operation({
    summary: 'Give waiting points to one or several municipalities',
    description:
      'All parts or none are taken from the oldest points first. 202: each part is held, issued by its municipality and then taken out of the reserve; ' +
      'ask for its state. A part that a municipality refuses is back in the reserve. 200: this allocation exists with the same content.',
    scope: 'reserve:write',
    status: 202,
    answer: AllocationView,
    also: { 200: AllocationView },
    problems: [
      'no-reserve',
      'unknown-my-key-id',
      'allocation-exists',
      'target-is-reserve',
      'part-without-points',
      'target-twice',
      'reserve-insufficient',
    ],
  })
  allocate(@Param() path: ProgrammePath, @Body() body: AllocateReserve, @CauseOf() cause: Cause): Promise<Answer<AllocationView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const { isNew, allocation } = await allocateReserve(tx, cause, path.programme, body, now());
        return answer(isNew ? 202 : 200, allocation);
      }),
    );
  }

  @Get('allocations/:allocationId')
  @Operation({
    summary: 'An allocation and the states of its parts',
    scope: 'reserve:read',
    answer: AllocationView,
    problems: ['unknown-allocation'],
  })
  async find(@Param() path: AllocationPath): Promise<AllocationView> {
    const [found] = await this.database.transaction(tenants(path.municipality), (tx) =>
      findAllocations(tx, path.programme, { allocationId: path.allocationId, limit: 1 }),
    );
    if (!found) throw problem(404, 'unknown-allocation', 'the reserve has no such allocation');
    return found;
  }
}
