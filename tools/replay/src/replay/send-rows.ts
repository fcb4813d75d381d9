import { createHash } from 'node:crypto';
import type { CloudClient, Reply } from '../cloud/cloud-client.js';
import { CloudError } from '../cloud/cloud-error.js';
import { inLanes } from '../in-lanes.js';
import type { BadRow } from '../trial/bad-row.js';
import { files, type Trial, type TrialProgramme, type TrialRow } from '../trial/trial.js';
import { refusedRow } from './refused-row.js';
import { programmePath } from './set-up-trial.js';

/** With 64 callers a cloud on two cores is busy; more only wait in its queues. */
const rowsAtOnceMax = 64;
const rowsAheadMax = 4_096;
/** A conversion ends when the card scheme has answered, which may need some attempts. */
const rowEndsWithinMs = 60_000;
/** A person who was just registered is known to the exchange once the event has travelled, normally well below a second. */
const holderKnownWithinMs = 15_000;
const askAgainMs = 100;

export interface Sending {
  readonly trial: Trial;
  readonly partners: ReadonlySet<string>;
  readonly retired: ReadonlySet<string>;
  readonly onRow: (bad: BadRow | undefined) => void;
}

/** Books the rows of a trial: of one person, and of one id, strictly one after the other; apart from that many at a time. */
export async function sendRows(client: CloudClient, { trial, partners, retired, onRow }: Sending): Promise<void> {
  const registeredAt = Date.now();
  const firstLines = new Map<string, number>();
  await inLanes(
    trial.rows,
    { atOnceMax: rowsAtOnceMax, aheadMax: rowsAheadMax },
    (row) => [`person ${row.myKeyId}`, `${row.kind} ${row.id}`],
    async (row) => {
      const refused = refusedByFolder(row, trial, partners, retired) ?? (await book(row));
      onRow(refused);
    },
  );

  async function book(row: TrialRow): Promise<BadRow | undefined> {
    const id = `${row.kind} ${row.id}`;
    const lineOfFirst = firstLines.get(id);
    if (lineOfFirst === undefined) firstLines.set(id, row.line);
    const reply = await askUntilOver(client, trial.programme, row, registeredAt + holderKnownWithinMs);
    return reply.status < 300 ? undefined : refusedRow(row, reply, lineOfFirst);
  }
}

/** What the cloud need not be asked: the row's partner is not one of this folder, or its person has another My Key ID now. */
function refusedByFolder(row: TrialRow, trial: Trial, partners: ReadonlySet<string>, retired: ReadonlySet<string>): BadRow | undefined {
  const { file, columns } = files[row.kind];
  const bad = (field: string, reason: string): BadRow => ({ file, line: row.line, field, reason });
  if (retired.has(row.myKeyId)) return bad(columns.myKeyId, `"${row.myKeyId}" was given up for another My Key ID`);
  if (row.kind !== 'exchange' || partners.has(row.partner)) return undefined;
  const line = trial.partners.find((one) => one.partner === row.partner)?.line;
  return bad(
    files.exchange.columns.partner,
    line === undefined
      ? `"${row.partner}" is not set up: partners.csv has no good line for it`
      : `"${row.partner}" could not be set up, see partners.csv:${line}`,
  );
}

/** The same request again, under the same key, until it is over: the key makes that safe, and the answer is that of the first. */
async function askUntilOver(client: CloudClient, programme: TrialProgramme, row: TrialRow, holderDeadline: number): Promise<Reply> {
  const deadline = Date.now() + rowEndsWithinMs;
  for (;;) {
    const reply = await ask(client, programme, row);
    if (reply.status === 422 && reply.body['code'] === 'unknown-my-key-id' && Date.now() < holderDeadline) {
      await pause();
      continue;
    }
    if (reply.status !== 202) return reply;
    if (Date.now() > deadline)
      throw new CloudError(
        `${files[row.kind].file}:${row.line} is not over after ${rowEndsWithinMs / 1_000} s: the exchange service still waits for the ledger or the card scheme.`,
      );
    await pause();
  }
}

function ask(client: CloudClient, programme: TrialProgramme, row: TrialRow): Promise<Reply> {
  const path = programmePath(programme);
  const key = keyOf(programme, row);
  switch (row.kind) {
    case 'exchange': {
      const { id: orderId, myKeyId, partner, partnerPoints, municipalPoints, at: acceptedAt } = row;
      return client.post(
        'exchange',
        `${path}/exchange-orders`,
        { orderId, myKeyId, partner, partnerPoints, municipalPoints, acceptedAt },
        key,
      );
    }
    case 'conversion': {
      const { id: conversionId, myKeyId, points, at: requestedAt } = row;
      return client.post('exchange', `${path}/conversions`, { conversionId, myKeyId, scheme: programme.scheme, points, requestedAt }, key);
    }
  }
}

/** Of the id alone: the same id with other content meets its own key and is refused. A digest, because an id may hold what a header may not. */
function keyOf(programme: TrialProgramme, row: TrialRow): string {
  return `replay:${row.kind}:${createHash('sha256').update(`${programme.id} ${row.id}`).digest('base64url')}`;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, askAgainMs));
}
