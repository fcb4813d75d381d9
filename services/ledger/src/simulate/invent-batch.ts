import { points, programmeId } from '@points/kernel';
import type { AnyRequest } from '../post/request.js';
import { invent } from './invent.js';
import type { ModelProgramme } from './model-books.js';
import { isShort } from './model-limits.js';
import type { Random } from './random.js';
import type { World } from './world.js';

export function inventBatch(
  world: World,
  chance: Random,
  size: number,
  mayAsk: (programme: string, index: number) => boolean,
  only?: ModelProgramme,
  // Who is decided in one go gets the last points of a budget in order; others may overtake each other, and the last points have no one right owner.
  isTogether = false,
): AnyRequest[] {
  const round: AnyRequest[] = [];
  const announces = chance.chance(0.25);
  for (let number = 0; number < size; number++) {
    const programme = only ?? world.pickProgramme(chance);
    const holders = world.holdersOf(programme.id).filter((_, index) => mayAsk(programme.id, index));
    const request = invent({
      random: chance,
      books: world.books,
      clock: world.clock,
      programme,
      holders: holders.map((one) => one.account),
      settled: world.settled,
      round,
      announces,
    });
    if (request.instruction.kind === 'issue' && !isTogether) {
      const asked = (world.granted.get(programme.id) ?? 0) + request.instruction.amount;
      if (isShort(programme, asked, world.clock)) continue;
      world.granted.set(programme.id, asked);
    }
    const holder = holders.find((one) => one.account === request.account);
    if (holder) holder.asked++;
    round.push(request);
  }
  return round;
}

export function inventIssue(world: World, chance: Random, programme: ModelProgramme, pointsMax: number): AnyRequest {
  const { account } = chance.pick(world.holdersOf(programme.id));
  return {
    reference: `simulation:${chance.uuid()}`,
    programme: programmeId(programme.id),
    account,
    instruction: { kind: 'issue', amount: points(chance.whole(1, pointsMax)), source: 'campaign', funding: 'free' },
    actor: 'simulation',
  };
}
