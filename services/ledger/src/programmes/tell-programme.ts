import { programmeChangedV1 } from '@points/contracts';
import type { Tx } from '@points/database';
import { tenantOf, type Instant } from '@points/kernel';
import { event, publish } from '@points/messaging';
import type { StoredProgramme } from './programme-store.js';

/** Tells the other services how long a programme's points live and where they can be used. Call it under the programme's lock: the last one told holds. */
export async function tellProgramme(tx: Tx, stored: StoredProgramme, now: Instant): Promise<void> {
  const { programme, name, firstDay, lastDay, lastGrantDay, versions } = stored;
  await publish(tx, [
    event(programmeChangedV1, {
      municipality: tenantOf(programme),
      programme,
      name,
      firstDay,
      ...(lastGrantDay && { lastGrantDay }),
      ...(lastDay !== null && { lastUseDay: lastDay }),
      versions: versions.slice(-versionsToldMax).map(({ version, validFrom, rules: { expiry, usableAt } }) => ({
        ...{ version, validFrom },
        expiry: { ...expiry },
        usableAt: [...usableAt],
      })),
      changedAt: now,
    }),
  ]);
}

/** The contract's bound: those before hold for points of years ago only. */
const versionsToldMax = 200;
