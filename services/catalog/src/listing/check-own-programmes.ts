import { problem } from '@points/http';
import { tenantOf, type ProgrammeId } from '@points/kernel';

/** @throws Problem 422. What a municipality offers is for its own programmes; the shape of the ids was checked before. */
export function checkOwnProgrammes(municipality: string, programmes: readonly string[]): void {
  for (const programme of programmes)
    // The validator let pass programme ids only.
    if (tenantOf(programme as ProgrammeId) !== municipality)
      throw problem(422, 'programme-of-other-municipality', `${programme} is not a programme of ${municipality}`, { programme });
}
