import { createHash } from 'node:crypto';
import { csvOf } from '@points/http';
import { instantOf } from '../clock.js';

/** A credit that the scheme is asked for, as its API would be. */
export interface FileLine {
  readonly programme: string;
  readonly conversion_id: string;
  readonly my_key_id: string;
  readonly points: number;
  readonly requested_at: Date;
}

export interface FileText {
  readonly content: Buffer;
  readonly sha256: Buffer;
  readonly lines: number;
  readonly points: number;
}

/** The bytes of a file: CSV as everywhere here, in the order that is given. Its count, sum and SHA-256 are told beside it, not in it. */
export function fileText(lines: readonly FileLine[]): FileText {
  const rows = lines.map((one) => [`${one.programme}:${one.conversion_id}`, one.my_key_id, one.points, instantOf(one.requested_at)]);
  const content = Buffer.from(csvOf({ header: ['creditId', 'member', 'points', 'requestedAt'], rows }));
  return {
    content,
    sha256: createHash('sha256').update(content).digest(),
    lines: lines.length,
    points: lines.reduce((sum, one) => sum + one.points, 0),
  };
}
