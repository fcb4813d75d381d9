import { problem, type ProgrammePath } from '@points/http';
import { programmeId, tenantOf, type ProgrammeId } from '@points/kernel';

/** The token was checked for the municipality of the path, so the programme must be one of it. @throws Problem 404 `unknown-programme` */
export function programmeOfPath({ municipality, programme }: ProgrammePath): ProgrammeId {
  const id = programmeId(programme);
  if (tenantOf(id) !== municipality) throw problem(404, 'unknown-programme', 'this municipality has no such programme');
  return id;
}
