import { Body, Controller, Inject, Param, Post, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { Door, DoorFull } from '../post/door.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { importHistory, type LineResult } from './import-history.js';
import { ImportHistory, ImportHistoryView, ImportQuery } from './import-views.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/imports')
export class ImportsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Door) private readonly door: Door,
  ) {}

  @Post()
  @Operation({
    summary: 'Take history in, in bulk',
    description:
      'For a municipality that moves in, while the programme takes history in. Each line stands for itself and is known by its reference: the same lines can be sent again after trouble, and nothing is posted twice.',
    scope: 'history:write',
    answer: ImportHistoryView,
    problems: ['unknown-programme', 'history-closed', 'door-full'],
  })
  async take(
    @Param() path: ProgrammePath,
    @Query() { results = 'wrong' }: ImportQuery,
    @Body() { lines }: ImportHistory,
    @CauseOf() cause: Cause,
  ): Promise<Answer<ImportHistoryView>> {
    const programme = programmeOfPath(path);
    const { historyOpen } = await this.database.transaction(tenants(path.municipality), (tx) => stand(tx, programme));
    if (!historyOpen) throw problem(422, 'history-closed', 'the programme does not take history in');
    const done = await this.settle(() => importHistory(this.door, lines, { programme, actor: cause.client }));
    const count = (status: LineResult['status']) => done.filter((one) => one.status === status).length;
    const [posted, repeated, refused, invalid, failed] = [
      count('posted'),
      count('repeated'),
      count('refused'),
      count('invalid'),
      count('failed'),
    ];
    const shown = results === 'all' ? done : done.filter((one) => one.status !== 'posted' && one.status !== 'repeated');
    return answer(200, { posted, repeated, refused, invalid, failed, lines: shown });
  }

  private async settle<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DoorFull) throw problem(503, 'door-full', 'more postings wait than can be remembered; ask again shortly');
      throw error;
    }
  }
}
