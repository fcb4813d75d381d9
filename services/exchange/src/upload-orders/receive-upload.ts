import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Database, tenants, violatedConstraint, type Tx } from '@points/database';
import { answer, keyOf, once, Problem, problem, recallAnswers, type Answer, type Cause } from '@points/http';
import { uuidv7 } from '@points/kernel';
import { currentTraceparent, type Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import type { FastifyRequest } from 'fastify';
import { takesChannel, type PartnerKind } from '../rules/channel.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { termsAt } from '../set-up-partners/partner.js';
import { checkSignature, type CheckedSignature } from './check-signature.js';
import { promisedDigest } from './content-digest.js';
import { findUpload } from './find-upload.js';
import type { UploadFormat } from './read-orders.js';
import { formatOfType, mediaTypes } from './take-uploads.js';
import { openUploadsMax, uploadBytesMax, uploadView, type UploadMode, type UploadView } from './upload.js';
import { listUploadKeys } from './upload-keys.js';

/** Of a file, as they are stored: two are in memory at a time. */
export const pieceBytes = 262_144;
/** A sender that is silent for so long has gone. */
const silenceMsMax = 30_000;
/** After it, a file whose receiver died is forgotten. Longer than a piece may take. */
const receiveLeaseSeconds = 60;

export interface UploadOptions {
  readonly mode: UploadMode;
  readonly isDryRun: boolean;
}

interface Receiving {
  readonly id: string;
  readonly path: PartnerKey;
  readonly digest: string;
  readonly signature?: CheckedSignature;
}

/** Takes files in: who may, then the bytes piece by piece, then whether they are those that were promised. */
@Injectable()
export class ReceiveUpload {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** @throws Problem */
  async receive(path: PartnerKey, options: UploadOptions, whole: Cause, request: FastifyRequest): Promise<Answer<UploadView>> {
    const format = formatOfType(request.headers['content-type']);
    if (!format) throw problem(415, 'unsupported-media-type', `send the file as ${Object.keys(mediaTypes).join(' or ')}`);
    const digest = promisedDigest(request.headers['content-digest']);
    if (Number(request.headers['content-length'] ?? 0) > uploadBytesMax) throw tooLarge();
    // The body was not read, so the fingerprint of the request knows it by its digest.
    const cause: Cause = {
      ...whole,
      fingerprint: createHash('sha256').update(`${whole.fingerprint} ${format} ${digest}`).digest('base64url'),
    };
    const begun = await this.transaction(path, (tx) => begin(tx, { path, options, cause, request, format, digest }));
    if ('answer' in begun) return begun.answer;
    try {
      const bytes = await this.store(begun.receiving, request);
      return await this.transaction(path, (tx) => end(tx, begun.receiving, cause, bytes));
    } catch (error) {
      await this.transaction(path, (tx) => forgetUpload(tx, begun.receiving.id)).catch((trouble: unknown) =>
        this.log.warn({ err: trouble, upload: begun.receiving.id }, 'a file that did not arrive is forgotten later'),
      );
      throw violatedConstraint(error) === 'order_upload_nonce_once'
        ? problem(409, 'signature-replayed', 'a file with this signature was taken before; sign anew with a new nonce')
        : error;
    }
  }

  /** Its length, once all of it is stored and has the digest that was promised. */
  private async store({ id, path, digest }: Receiving, { raw }: FastifyRequest): Promise<number> {
    const hash = createHash('sha256');
    let [parts, size, bytes, n]: [Buffer[], number, number, number] = [[], 0, 0, 0];
    const write = async () => {
      let piece = Buffer.concat(parts);
      for (; piece.length >= pieceBytes; piece = piece.subarray(pieceBytes)) await this.write(path, id, n++, piece.subarray(0, pieceBytes));
      [parts, size] = [[piece], piece.length];
    };
    // Re-armed by each part that arrives.
    const silence = setTimeout(() => raw.destroy(new Silent()), silenceMsMax);
    try {
      // Not destroyed where it is left early: the answer goes over the same connection.
      for await (const part of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        silence.refresh();
        bytes += part.length;
        if (bytes > uploadBytesMax) throw tooLarge();
        hash.update(part);
        parts.push(part);
        size += part.length;
        if (size >= pieceBytes) await write();
      }
    } catch (error) {
      if (error instanceof Problem || !raw.destroyed || raw.complete) throw error;
      throw problem(408, 'upload-incomplete', 'the file stopped coming before its end; send it again');
    } finally {
      clearTimeout(silence);
    }
    if (size > 0) await this.write(path, id, n, Buffer.concat(parts));
    const found = hash.digest('base64');
    if (found !== digest)
      throw problem(
        422,
        'digest-mismatch',
        'the body has another SHA-256 than its Content-Digest says; it was changed on its way, send it again',
        {
          received: `sha-256=:${found}:`,
        },
      );
    return bytes;
  }

  private write(path: PartnerKey, id: string, n: number, bytes: Buffer): Promise<void> {
    return this.transaction(path, async (tx) => {
      const kept = await tx.write(keepReceiving, [id, receiveLeaseSeconds]);
      if (kept === 0) throw lost();
      await tx.write(insertPiece, [id, path.municipality, n, bytes]);
    });
  }

  private transaction<T>(path: PartnerKey, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(tenants(path.municipality), work);
  }
}

class Silent extends Error {}

interface Asked {
  readonly path: PartnerKey;
  readonly options: UploadOptions;
  readonly cause: Cause;
  readonly request: FastifyRequest;
  readonly format: UploadFormat;
  readonly digest: string;
}

async function begin(tx: Tx, asked: Asked): Promise<{ readonly answer: Answer<UploadView> } | { readonly receiving: Receiving }> {
  const { path, options, cause, request, format, digest } = asked;
  const { tenant, client, key } = keyOf(cause);
  const [known] = await recallAnswers<UploadView>(tx, [keyOf(cause)]);
  if (known instanceof Problem) throw known;
  if (known) return { answer: known };

  const [partner] = await tx.query<{ kind: PartnerKind; clients: string[]; open: number }>(selectPartner, [path.programme, path.partner]);
  if (!partner) throw problem(404, 'unknown-partner', 'the programme has no such partner');
  const isOnBehalf = cause.scopes.has('exchange:on-behalf');
  if (!isOnBehalf && !partner.clients.includes(cause.client))
    throw problem(403, 'client-not-of-partner', 'this client may not place orders for this partner', { partner: path.partner });
  if (!takesChannel(partner.kind, 'upload', { isHistory: cause.scopes.has('history:write') }))
    throw problem(422, 'partner-takes-no-uploads', `orders of a partner of the kind ${partner.kind} come one by one`, {
      kind: partner.kind,
    });
  const keys = await listUploadKeys(tx, path.programme, path.partner);
  const { method, url, headers } = request;
  const signature = await checkSignature({ method, url, headers }, keys, new Date());
  if (partner.open >= openUploadsMax)
    throw problem(429, 'too-many-uploads', `at most ${openUploadsMax} uploads of a partner are open at a time; wait for one to end`, {
      maximum: openUploadsMax,
    });

  const id = uuidv7();
  const insert = () =>
    tx.write(insertUpload, [
      ...[
        id,
        tenant,
        path.programme,
        path.partner,
        client,
        key,
        isOnBehalf,
        cause.scopes.has('history:write'),
        currentTraceparent() ?? null,
      ],
      ...[format, options.mode, options.isDryRun, digest, receiveLeaseSeconds],
    ]);
  if ((await insert()) === 0) {
    // The same request is being received; or it was, by a process that is gone.
    const [stale] = await tx.query<{ id: string }>(selectStale, [tenant, client, key]);
    if (!stale) throw inProgress();
    await forgetUpload(tx, stale.id);
    if ((await insert()) === 0) throw inProgress();
  }
  return { receiving: { id, path, digest, ...(signature && { signature }) } };
}

function end(tx: Tx, { id, path, signature }: Receiving, cause: Cause, bytes: number): Promise<Answer<UploadView>> {
  return once(tx, cause, async () => {
    const received = await tx.write(endReceiving, [id, bytes, signature?.kid ?? null, signature?.nonce ?? null]);
    if (received === 0) throw lost();
    const upload = await findUpload(tx, { ...path, upload: id });
    if (!upload) throw new Error('assertion failed: an upload that was just received must be there');
    return answer(202, uploadView(upload, new Date()), { location: locationOf(path, id) });
  });
}

/** With its pieces, as if it had never come. */
export async function forgetUpload(tx: Tx, id: string): Promise<void> {
  const forgotten = await tx.write(`delete from order_upload where id = $1 and state = 'receiving'`, [id]);
  if (forgotten > 0) await tx.write('delete from order_upload_piece where upload = $1', [id]);
}

function locationOf({ municipality, programme, partner }: PartnerKey, id: string): string {
  return `/v1/municipalities/${municipality}/programmes/${programme}/partners/${encodeURIComponent(partner)}/order-uploads/${id}`;
}

function tooLarge(): Problem {
  return problem(413, 'file-too-large', `a file has at most ${uploadBytesMax} bytes; cut it`, { maximum: uploadBytesMax });
}

function inProgress(): Problem {
  return problem(409, 'request-in-progress', 'a file with this Idempotency-Key is on its way; ask again shortly');
}

function lost(): Problem {
  return new Problem(503, 'temporarily-unavailable', 'the file took too long and was forgotten; send it again', {}, { 'retry-after': '1' });
}

const selectPartner = {
  name: 'upload_partner',
  text: `
    select p.kind, t.clients,
      (select count(*)::int from order_upload u
       where u.programme = p.programme and u.partner = p.partner and u.state in ('receiving', 'received', 'checking', 'booking')) as open
    from partner p ${termsAt('now()')} where p.programme = $1 and p.partner = $2`,
};

const insertUpload = {
  name: 'insert_upload',
  text: `
    insert into order_upload (id, tenant, programme, partner, client, idempotency_key, is_on_behalf, may_bring_history, traceparent, format,
      mode, is_dry_run, digest, state, lease_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'receiving', now() + make_interval(secs => $14))
    on conflict do nothing`,
};

const selectStale = `
  select id from order_upload
  where tenant = $1 and client = $2 and idempotency_key = $3 and state = 'receiving' and lease_until < now() for update`;

const keepReceiving = {
  name: 'keep_receiving',
  text: `update order_upload set lease_until = now() + make_interval(secs => $2) where id = $1 and state = 'receiving'`,
};

const insertPiece = { name: 'insert_piece', text: 'insert into order_upload_piece (upload, tenant, n, bytes) values ($1, $2, $3, $4)' };

const endReceiving = {
  name: 'end_receiving',
  text: `
    update order_upload set state = 'received', bytes = $2, kid = $3, nonce = $4, received_at = now(), lease_until = null
    where id = $1 and state = 'receiving'`,
};
