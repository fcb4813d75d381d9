import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { findUpload, uploadFor, type UploadKey } from './find-upload.js';
import type { UploadRow } from './upload.js';

/** Asks for the rest of an upload not to be booked. What is booked stays: an order is taken back by a reversal only. @throws Problem */
export async function cancelUpload(tx: Tx, key: UploadKey, client: string): Promise<UploadRow> {
  const upload = await uploadFor(tx, key, client);
  // In the statement itself: the worker may book the last lines at this moment.
  const asked = await tx.write(askForCancellation, [upload.id, client]);
  const found = await findUpload(tx, key);
  if (!found) throw new Error('assertion failed: an upload stays');
  if (asked === 0)
    throw problem(409, 'nothing-to-cancel', `the upload is ${found.state} and none of its lines waits to be booked`, {
      state: found.state,
    });
  return found;
}

const askForCancellation = {
  name: 'cancel_upload',
  text: `
    update order_upload set cancel_asked_at = coalesce(cancel_asked_at, now()), cancel_asked_by = coalesce(cancel_asked_by, $2)
    where id = $1 and (state in ('received', 'checking') or (state = 'booking' and processed < lines))`,
};
