import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { Operation, problem, ProgrammePath } from '@points/http';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { BlockHeaderView, ProofQuery, ProofView, TransferPath } from './chain-views.js';
import { prove, readHead, type ProofAnswer } from './proof.js';

const refusals: Readonly<Record<Extract<ProofAnswer, { ok: false }>['reason'], [number, string, string]>> = {
  'not-sealed-yet': [404, 'not-sealed-yet', 'no block holds this transfer: it is some seconds old, or there is none with this id'],
  'transfer-missing': [409, 'transfer-missing', 'the chain holds this transfer and the books do not: the municipality is to run verify'],
  'head-too-old': [422, 'head-too-old', 'this head does not exist, or is older than the block of the transfer'],
};

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class ChainController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Get('chain/head')
  @Operation({
    summary: 'The latest block of the audit chain',
    description: 'Who keeps its hash somewhere else can show later that nothing sealed by then was changed.',
    scope: 'ledger:read',
    answer: BlockHeaderView,
    problems: ['unknown-programme', 'nothing-sealed'],
  })
  head(@Param() path: ProgrammePath): Promise<BlockHeaderView> {
    const programme = programmeOfPath(path);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      const head = await readHead(tx, programme);
      if (!head) throw problem(404, 'nothing-sealed', 'nothing of this programme has been sealed yet; the chainer needs some seconds');
      return head;
    });
  }

  @Get('transfers/:transfer/proof')
  @Operation({
    summary: 'A proof that a transfer is in the audit chain',
    description:
      'An outsider checks it with `npm run verify -- --proof FILE --head HASH` and no database. The id is `posting` of a history line.',
    scope: 'ledger:read',
    answer: ProofView,
    problems: ['unknown-programme', ...Object.keys(refusals)],
  })
  proof(@Param() path: TransferPath, @Query() { head }: ProofQuery): Promise<ProofView> {
    const programme = programmeOfPath(path);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      const answer = await prove(tx, programme, { transfer: path.transfer.toLowerCase(), ...(head !== undefined && { head }) });
      if (!answer.ok) throw problem(...refusals[answer.reason]);
      return answer.proof;
    });
  }
}
