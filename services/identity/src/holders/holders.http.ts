import { Body, Controller, Get, Inject, Param, Post, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, MunicipalityPath, once, Operation, problem, type Answer, type Cause } from '@points/http';
import { changeMyKeyId } from './change-my-key-id.js';
import { findHolder } from './find-holder.js';
import {
  ChangedMyKeyIdView,
  ChangeMyKeyId,
  HolderPath,
  HolderView,
  MyKeyIdPath,
  RegisteredHoldersView,
  RegisterHolder,
  RegisterHolders,
} from './holder-shapes.js';
import { registerHolders, registerNewHolder } from './register-holders.js';

@Controller('v1/municipalities/:municipality/holders')
export class HoldersController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Post()
  @Operation({
    summary: 'Register a person',
    description:
      'With the My Key ID the person has, or without one to get a new one. A person whom another municipality registered is taken over with the same holder id: 200.',
    scope: 'holders:write',
    status: 201,
    answer: HolderView,
    also: { 200: HolderView },
    problems: ['my-key-id-retired'],
  })
  register(
    @Param() { municipality }: MunicipalityPath,
    @Body() { myKeyId }: RegisterHolder,
    @CauseOf() cause: Cause,
  ): Promise<Answer<HolderView>> {
    return this.database.transaction(tenants(municipality), (tx) =>
      once(tx, cause, async () => {
        if (myKeyId === undefined) {
          const { holder, myKeyId: drawn } = await registerNewHolder(tx, municipality, new Date());
          return answer(201, { holder, myKeyId: drawn });
        }
        const [registered] = await registerHolders(tx, municipality, [myKeyId], new Date());
        if (registered?.state !== 'created' && registered?.state !== 'known')
          throw problem(409, 'my-key-id-retired', 'this My Key ID was given up for another one; ask the person for the new one');
        return answer(registered.state === 'created' ? 201 : 200, { holder: registered.holder, myKeyId });
      }),
    );
  }

  @Post('bulk')
  @Operation({
    summary: 'Register up to 500 persons by their My Key IDs',
    description: 'Each is answered on its own: created, known, or retired (given up for another My Key ID; not registered).',
    scope: 'holders:write',
    answer: RegisteredHoldersView,
  })
  registerMany(
    @Param() { municipality }: MunicipalityPath,
    @Body() { myKeyIds }: RegisterHolders,
    @CauseOf() cause: Cause,
  ): Promise<Answer<RegisteredHoldersView>> {
    return this.database.transaction(tenants(municipality), (tx) =>
      once(tx, cause, async () => answer(200, { holders: await registerHolders(tx, municipality, myKeyIds, new Date()) })),
    );
  }

  @Get('by-my-key-id/:myKeyId')
  @Operation({
    summary: 'Find a person this municipality registered',
    description: 'By the My Key ID the person has now or had before; the answer shows the one of now.',
    scope: 'holders:read',
    answer: HolderView,
    problems: ['unknown-holder'],
  })
  async find(@Param() { municipality, myKeyId }: MyKeyIdPath): Promise<HolderView> {
    const found = await this.database.transaction(tenants(municipality), (tx) => findHolder(tx, municipality, myKeyId));
    if (!found) throw problem(404, 'unknown-holder', 'nobody with this My Key ID is registered with this municipality');
    return found;
  }

  @Put(':holder/my-key-id')
  @Operation({
    summary: 'Change a My Key ID to a wished one',
    description: 'The old one stays in the history and is never given to anybody again.',
    scope: 'holders:write',
    answer: ChangedMyKeyIdView,
    problems: ['unknown-holder', 'my-key-id-taken'],
  })
  async change(@Param() { municipality, holder }: HolderPath, @Body() { myKeyId }: ChangeMyKeyId): Promise<ChangedMyKeyIdView> {
    return this.database.transaction(tenants(municipality), async (tx) => {
      const changed = await changeMyKeyId(tx, holder, myKeyId, new Date());
      if (!changed.ok) throw problem(changed.refusal.code === 'unknown-holder' ? 404 : 409, changed.refusal.code, changed.refusal.detail);
      return { holder, myKeyId, since: changed.value.since.toISOString() };
    });
  }
}
