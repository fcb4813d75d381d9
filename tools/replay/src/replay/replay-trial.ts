import { cloudClient } from '../cloud/cloud-client.js';
import type { Cloud } from '../cloud/find-cloud.js';
import type { BadRow } from '../trial/bad-row.js';
import type { Trial } from '../trial/trial.js';
import { readReport, type TrialReport } from './read-report.js';
import { registerHolders } from './register-holders.js';
import { sendRows } from './send-rows.js';
import { setUpTrial } from './set-up-trial.js';

export interface Replayed {
  readonly report: TrialReport;
  readonly badRows: readonly BadRow[];
  readonly sentRows: number;
}

/** Set up, register, book every row in its order, expire, report: all through the public APIs. */
export async function replayTrial(
  cloud: Cloud,
  trial: Trial,
  onProgress: (done: number, of: number, bad: number) => void,
): Promise<Replayed> {
  const client = cloudClient(cloud);
  const setUp = await setUpTrial(client, cloud, trial);
  const retired = await registerHolders(
    client,
    trial.programme.municipality,
    trial.rows.map((row) => row.myKeyId),
  );

  const badRows: BadRow[] = [...setUp.badRows];
  let [done, bad] = [0, 0];
  await sendRows(client, {
    trial,
    partners: setUp.partners,
    retired,
    onRow: (refused) => {
      done++;
      if (refused) {
        bad++;
        badRows.push(refused);
      }
      onProgress(done, trial.rows.length, bad);
    },
  });
  return { report: await readReport(client, trial.programme), badRows, sentRows: done };
}
