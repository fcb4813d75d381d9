import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createSigner, httpbis } from 'http-message-signatures';
import type { Options } from './read-options.js';

/** Of an upload, as the exchange service documents it. */
export interface Upload {
  readonly upload: string;
  readonly state: 'receiving' | 'received' | 'checking' | 'booking' | 'done' | 'failed' | 'cancelled';
  readonly dryRun: boolean;
  readonly lines?: number;
  readonly checked: number;
  readonly processed: number;
  readonly bad: number;
  readonly known: number;
  readonly placed: number;
  readonly booked: number;
  readonly refused: number;
  readonly linesPerSecond?: number;
  readonly remainingSeconds?: number;
  readonly failure?: { readonly code: string; readonly detail: string };
}

export class ServiceError extends Error {}

const covered = ['@method', '@path', '@query', 'content-digest', 'content-type'];
const answerMsMax = 15_000;
const attemptsMax = 30;
const attemptEveryMs = 1_000;
/** A token is renewed when this is left of its life. */
const tokenMarginMs = 30_000;

export async function digestOf(file: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(part);
    bytes += part.length;
  }
  return { sha256: hash.digest('base64'), bytes };
}

/** Speaks to the exchange service with a token of its own. Every call may be repeated, so what fails on its way is. */
export class Service {
  private token: { readonly text: string; readonly until: number } | undefined;

  constructor(private readonly options: Options) {}

  /** Sends the file; the same file again is the same upload, unless it is to be a new one. */
  async send(onSent: (bytes: number) => void): Promise<Upload> {
    const { options } = this;
    const { sha256, bytes } = await digestOf(options.file);
    const url = new URL(`${this.base()}?mode=${options.isWholeFile ? 'whole-file' : 'lines'}&dryRun=${options.isDryRun}`);
    const name = [options.programme, options.partner, url.search, sha256].join(' ');
    const key = options.isAgain ? randomUUID() : createHash('sha256').update(name).digest('hex');
    for (let attempt = 1; ; attempt++)
      try {
        return await this.sendOnce(url, { sha256, bytes, key, onSent });
      } catch (error) {
        if (error instanceof ServiceError || attempt >= attemptsMax) throw error;
        await rest();
      }
  }

  read(upload: string): Promise<Upload> {
    return this.get(`/${upload}`, async (answer) => (await answer.json()) as Upload);
  }

  /** Writes the errors or results of an upload to a file. */
  save(upload: string, what: 'errors' | 'results', file: string): Promise<void> {
    return this.get(`/${upload}/${what}`, async ({ body }) => {
      if (body) await pipeline(Readable.fromWeb(body), createWriteStream(file));
    });
  }

  private async sendOnce(
    url: URL,
    { sha256, bytes, key, onSent }: { sha256: string; bytes: number; key: string; onSent: (bytes: number) => void },
  ): Promise<Upload> {
    const headers = await this.signed(url, {
      'content-type': this.options.mediaType,
      'content-digest': `sha-256=:${sha256}:`,
      'content-length': String(bytes),
      'idempotency-key': key,
      authorization: `Bearer ${await this.tokenText()}`,
    });
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { method: 'POST', headers });
    const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject);
      });
    });
    const file = createReadStream(this.options.file);
    let sent = 0;
    file.on('data', (part) => onSent((sent += part.length)));
    // A service that refuses answers before it has read all: its answer counts, not the broken pipe.
    const sending = pipeline(file, request).catch(() => undefined);
    const { status, text } = await answered;
    await sending;
    if (status === 503 || text.includes('"request-in-progress"')) throw new Error(reasonOf(status, text));
    if (status !== 202) throw new ServiceError(reasonOf(status, text));
    return JSON.parse(text) as Upload;
  }

  /** RFC 9421, when there is a key. */
  private async signed(url: URL, headers: Record<string, string>): Promise<Record<string, string>> {
    const { key } = this.options;
    if (!key) return headers;
    const privateKey = createPrivateKey(key.pem);
    const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'ecdsa-p256-sha256';
    const signed = await httpbis.signMessage(
      {
        key: createSigner(privateKey, algorithm, key.kid),
        fields: covered,
        params: ['created', 'keyid', 'nonce'],
        paramValues: { created: new Date(), nonce: randomUUID() },
      },
      { method: 'POST', url, headers },
    );
    return signed.headers;
  }

  private async get<T>(path: string, read: (answer: Response) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++)
      try {
        const answer = await fetch(`${this.base()}${path}`, { headers: { authorization: `Bearer ${await this.tokenText()}` } });
        if (answer.ok) return await read(answer);
        const reason = reasonOf(answer.status, await answer.text());
        if (answer.status < 500 && answer.status !== 429) throw new ServiceError(reason);
        throw new Error(reason);
      } catch (error) {
        if (error instanceof ServiceError || attempt >= attemptsMax) throw error;
        await rest();
      }
  }

  private base(): string {
    const { url, programme, partner } = this.options;
    return `${url}/v1/municipalities/${programme.slice(0, 6)}/programmes/${programme}/partners/${encodeURIComponent(partner)}/order-uploads`;
  }

  private async tokenText(): Promise<string> {
    if (this.token && this.token.until > Date.now()) return this.token.text;
    const { identity, client, secret } = this.options;
    const answer = await fetch(`${identity}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
      signal: AbortSignal.timeout(answerMsMax),
    });
    const body = (await answer.json()) as { access_token?: string; expires_in?: number; error?: string };
    if (body.access_token === undefined)
      throw new ServiceError(`the identity service gives no token to ${client}: ${body.error ?? answer.status}`);
    this.token = { text: body.access_token, until: Date.now() + (body.expires_in ?? 60) * 1_000 - tokenMarginMs };
    return this.token.text;
  }
}

/** problem+json in one sentence. */
function reasonOf(status: number, text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
    return `${detail ?? 'no reason given'} [${status} ${code ?? ''}]`;
  } catch {
    return `[${status}] ${text.slice(0, 200)}`;
  }
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, attemptEveryMs * (0.5 + Math.random())));
}
