import type { Tx } from '@points/database';
import { cursorOf, problem, readCursor } from '@points/http';
import { maySeeOrdersOf } from '../place-exchange-order/find-order.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { uploadColumns, uploadView, type UploadRow, type UploadsView } from './upload.js';

export interface UploadKey extends PartnerKey {
  readonly upload: string;
}

export async function findUpload(tx: Tx, { programme, partner, upload }: UploadKey): Promise<UploadRow | undefined> {
  const [row] = await tx.query<UploadRow>(selectUpload, [programme, partner, upload]);
  return row;
}

/** For a client that may know of it. @throws Problem 404 */
export async function uploadFor(tx: Tx, key: UploadKey, client: string): Promise<UploadRow> {
  const upload = (await maySeeOrdersOf(tx, key.programme, key.partner, client)) ? await findUpload(tx, key) : undefined;
  if (!upload) throw problem(404, 'unknown-upload', 'the partner has no such upload');
  return upload;
}

/** Newest first. */
export async function listUploads(
  tx: Tx,
  { programme, partner }: PartnerKey,
  page: { readonly after?: string; readonly limit: number },
): Promise<UploadsView> {
  const [after] = readCursor(page.after, 'uuid');
  const rows = await tx.query<UploadRow>(selectUploads, [programme, partner, after, page.limit + 1]);
  const now = new Date();
  const uploads = rows.slice(0, page.limit).map((row) => uploadView(row, now));
  const last = uploads.at(-1);
  return { uploads, ...(rows.length > page.limit && last && { next: cursorOf(last.upload) }) };
}

const selectUpload = {
  name: 'find_upload',
  text: `select ${uploadColumns} from order_upload u where u.programme = $1 and u.partner = $2 and u.id = $3`,
};

const selectUploads = {
  name: 'list_uploads',
  text: `
    select ${uploadColumns} from order_upload u
    where u.programme = $1 and u.partner = $2 and ($3::uuid is null or u.id < $3) order by u.id desc limit $4`,
};
