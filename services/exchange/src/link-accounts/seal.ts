import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Keys by their id; the first one seals. */
export type SealKeys = ReadonlyMap<string, Buffer>;

/** `id:key,id:key`; undefined when it is not of this form. */
export function parseSealKeys(text: string): SealKeys | undefined {
  const pairs = text.split(',').map((part) => /^\s*([A-Za-z0-9-]{1,20}):([A-Za-z0-9_-]{43})\s*$/.exec(part));
  const keys = new Map(pairs.flatMap((pair) => (pair?.[1] && pair[2] ? [[pair[1], Buffer.from(pair[2], 'base64url')] as const] : [])));
  return pairs.length > 0 && keys.size === pairs.length ? keys : undefined;
}

/**
 * Seals what would let somebody act at a partner (AES-256-GCM): a copy of the database alone is worth nothing there. `about` names the
 * row and column that it belongs to, so that a sealed text cannot be moved to another row.
 */
export class Seal {
  constructor(private readonly keys: SealKeys) {}

  close(text: string, about: string): string {
    const [id, key] = this.keys.entries().next().value ?? [];
    if (id === undefined || key === undefined) throw new Error('assertion failed: there is no key to seal with');
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(about));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${id}.${iv.toString('base64url')}.${sealed.toString('base64url')}`;
  }

  /** @throws Error when the key is gone, or the text was changed or belongs elsewhere */
  open(sealed: string, about: string): string {
    const [id = '', iv = '', rest = ''] = sealed.split('.');
    const key = this.keys.get(id);
    if (!key) throw new Error(`sealed under the key ${id}, which is not among LINK_KEYS`);
    const bytes = Buffer.from(rest, 'base64url');
    const decipher = createDecipheriv(algorithm, key, Buffer.from(iv, 'base64url')).setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
  }
}

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
