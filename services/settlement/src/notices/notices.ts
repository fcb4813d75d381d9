import type { Tx } from '@points/database';

/** What one replica tells the others of this service: whom nobody waits for here, and what caches must forget. */
export type NoticeKind = 'payments' | 'actions' | 'shops' | 'holders';

export interface Notice {
  readonly kind: NoticeKind;
  readonly ids: readonly string[];
}

/** Channels belong to the whole database; other services listen to other names. */
export const noticeChannel = 'settlement_notices';

/** PostgreSQL takes 7,999 bytes; the longest id is a shop's with its tenant, 71 characters of ASCII. */
const idsPerNotice = 100;

/** Told when the transaction commits, and only then. */
export async function notify(tx: Tx, kind: NoticeKind, ids: readonly string[]): Promise<void> {
  if (ids.length) await tx.write(notifyAll, [noticeChannel, noticeTexts(kind, ids)]);
}

export const notifyAll = { name: 'notify_all', text: 'select pg_notify($1, text) from unnest($2::text[]) as t (text)' };

export function noticeTexts(kind: NoticeKind, ids: readonly string[]): string[] {
  const texts: string[] = [];
  for (let from = 0; from < ids.length; from += idsPerNotice) texts.push(`${kind} ${ids.slice(from, from + idsPerNotice).join(' ')}`);
  return texts;
}

const kinds: ReadonlySet<string> = new Set<NoticeKind>(['payments', 'actions', 'shops', 'holders']);

/** Undefined for the notice of a newer version that this one does not know. */
export function readNotice(text: string | undefined): Notice | undefined {
  const [kind = '', ...ids] = (text ?? '').split(' ');
  // `kinds` holds the names of the type.
  return kinds.has(kind) ? { kind: kind as NoticeKind, ids } : undefined;
}
