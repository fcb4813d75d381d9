import { tenants, type Database } from '@points/database';
import { parseInstant, points, programmeId, uuidv7, type Instant, type LocalDate, type ProgrammeId } from '@points/kernel';
import type { DoorRequest } from '../post/request.js';
import { insertProgramme } from '../programmes/programme-store.js';
import type { Instruction } from '../rules/instruction.js';
import type { Rules } from '../rules/programme.js';
import { someRules } from './decision-builders.js';

export { someRules };

/** Valid things for tests; a test states only what it is about. */
export const kawasaki = programmeId('141305-trial');
export const tamana = programmeId('432067-trial');

export async function openProgramme(
  database: Database,
  programme: ProgrammeId = kawasaki,
  options: { rules?: Partial<Rules>; historyOpen?: boolean; firstDay?: string; lastDay?: string | null } = {},
): Promise<ProgrammeId> {
  const { rules = {}, historyOpen = true, firstDay = '2017-01-01', lastDay = null } = options;
  await database.transaction(tenants(programme.slice(0, 6)), (tx) =>
    insertProgramme(
      tx,
      { programme, name: 'trial', firstDay: firstDay as LocalDate, lastDay: lastDay as LocalDate | null, historyOpen },
      { ...someRules, ...rules },
    ),
  );
  return programme;
}

export function aHolder(): string {
  return `holder:${uuidv7()}`;
}

export function at(text: string): Instant {
  return parseInstant(text);
}

type Draft<I> = I extends Instruction ? Omit<I, 'amount'> & (I extends { amount: unknown } ? { amount: number } : unknown) : never;

export function aRequest(
  account: string,
  instruction: Draft<Instruction>,
  more: Partial<Omit<DoorRequest, 'account' | 'instruction'>> = {},
): DoorRequest {
  const exact = { ...instruction, ...('amount' in instruction && { amount: points(instruction.amount) }) };
  // The amount was the only field that a draft writes as a plain number.
  return { reference: `test:${uuidv7()}`, programme: kawasaki, account, instruction: exact as Instruction, actor: 'test', ...more };
}

export const anIssue = (account: string, amount: number, more: Partial<Omit<DoorRequest, 'account' | 'instruction'>> = {}): DoorRequest =>
  aRequest(account, { kind: 'issue', amount, source: 'partner:mobile-a', funding: 'paid' }, more);

export const aSpend = (
  account: string,
  amount: number,
  more: Partial<Omit<DoorRequest, 'account' | 'instruction'>> & { to?: string; places?: string[] } = {},
): DoorRequest => {
  const { to = 'merchant:shop-1', places = ['shop:shop-1'], ...rest } = more;
  return aRequest(account, { kind: 'spend', amount, to, places }, rest);
};
