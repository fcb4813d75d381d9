import { tenants, type Database } from '@points/database';
import { pieceBytes } from './receive-upload.js';

/** The bytes of an upload from a place on, piece by piece, each in a transaction of its own. */
export async function* storedFile(
  database: Database,
  { id, tenant }: { readonly id: string; readonly tenant: string },
  fromByte: number,
): AsyncGenerator<Buffer> {
  let skip = fromByte % pieceBytes;
  for (let n = Math.floor(fromByte / pieceBytes); ; n++) {
    const [piece] = await database.transaction(tenants(tenant), (tx) => tx.query<{ bytes: Buffer }>(selectPiece, [id, n]));
    if (!piece) return;
    if (skip < piece.bytes.length) yield piece.bytes.subarray(skip);
    skip = 0;
  }
}

const selectPiece = { name: 'upload_piece', text: 'select bytes from order_upload_piece where upload = $1 and n = $2' };
