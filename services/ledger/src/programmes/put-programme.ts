import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '@points/database';
import { answer, problem, type Answer } from '@points/http';
import { jstDateOf, type Instant, type LocalDate, type ProgrammeId } from '@points/kernel';
import type { AddRules, ProgrammeView, PutProgramme } from './programme-bodies.js';
import {
  findProgramme,
  insertProgramme,
  insertRules,
  lockProgramme,
  updateProgramme,
  viewOf,
  type StoredProgramme,
} from './programme-store.js';
import { rulesOfBody } from './rules-of-body.js';
import { tellProgramme } from './tell-programme.js';

/**
 * Sets a programme up, or changes what may be changed in place: its name, its last day, whether it takes history in. Rules
 * change by a new version only, and the first day never.
 */
export async function putProgramme(tx: Tx, programme: ProgrammeId, body: PutProgramme, now: Instant): Promise<Answer<ProgrammeView>> {
  // Days were checked by the body's class.
  const wanted = {
    programme,
    name: body.name,
    firstDay: body.firstDay as LocalDate,
    lastDay: (body.lastDay ?? null) as LocalDate | null,
    lastGrantDay: (body.lastGrantDay ?? null) as LocalDate | null,
    historyOpen: body.historyOpen ?? false,
  };
  if (wanted.lastDay !== null && wanted.lastDay < wanted.firstDay) {
    throw problem(422, 'invalid-request', 'the body is wrong: lastDay is before firstDay', {
      errors: [{ field: 'lastDay', reason: 'is before firstDay' }],
    });
  }
  if (
    wanted.lastGrantDay !== null &&
    (wanted.lastGrantDay < wanted.firstDay || (wanted.lastDay !== null && wanted.lastGrantDay > wanted.lastDay))
  ) {
    throw problem(422, 'invalid-request', 'the body is wrong: lastGrantDay is not between firstDay and lastDay', {
      errors: [{ field: 'lastGrantDay', reason: 'is not between firstDay and lastDay' }],
    });
  }
  const rules = rulesOfBody(body.rules);

  if (await insertProgramme(tx, wanted, rules)) return answer(201, viewOf(await told(tx, programme, now)));

  await lockProgramme(tx, programme);
  const stored = await stand(tx, programme);
  const differs = [
    ...(stored.firstDay === wanted.firstDay ? [] : ['firstDay']),
    // A set-up that is run again says what was once set up, even when a later version holds meanwhile.
    ...(stored.versions.some((one) => isDeepStrictEqual(one.rules, rules)) ? [] : ['rules']),
  ];
  if (differs.length > 0) {
    throw problem(
      409,
      'programme-exists',
      `the programme exists with another ${differs.join(' and other ')}; rules are changed by POST …/rules`,
      { differs },
    );
  }
  await updateProgramme(tx, wanted);
  // Told anew even when nothing changed: setting up again is how a service that missed it hears.
  return answer(200, viewOf(await told(tx, programme, now)));
}

/** A new version of the rules, from a day on. What was granted before keeps the version it was granted under. */
export async function addRules(tx: Tx, programme: ProgrammeId, body: AddRules, now: Instant): Promise<Answer<ProgrammeView>> {
  const rules = rulesOfBody(body.rules);
  await lockProgramme(tx, programme);
  const stored = await stand(tx, programme);
  const last = stored.versions.at(-1);
  if (last && body.validFrom <= last.validFrom) {
    throw problem(422, 'rules-overlap', `version ${last.version} holds from ${last.validFrom}; a new one begins after it`, {
      validFrom: last.validFrom,
    });
  }
  if (!stored.historyOpen && body.validFrom < jstDateOf(now)) {
    throw problem(422, 'history-closed', 'rules cannot begin in the past, because the programme does not take history in');
  }
  await insertRules(tx, programme, { version: (last?.version ?? 0) + 1, validFrom: body.validFrom as LocalDate, rules });
  return answer(201, viewOf(await told(tx, programme, now)));
}

/** @throws Problem 404 `unknown-programme` */
export async function stand(tx: Tx, programme: ProgrammeId): Promise<StoredProgramme> {
  const found = await findProgramme(tx, programme);
  if (!found) throw problem(404, 'unknown-programme', 'there is no such programme');
  return found;
}

async function told(tx: Tx, programme: ProgrammeId, now: Instant): Promise<StoredProgramme> {
  const stored = await stand(tx, programme);
  await tellProgramme(tx, stored, now);
  return stored;
}
