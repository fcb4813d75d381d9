import { readFile as readText } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { programmeId } from '@points/kernel';
import { checkProof, type Proof } from '../chain/proof.js';
import { FileErrors, readFile } from '../move/read-file.js';
import { withLedger } from '../move/with-ledger.js';
import { checkBooks, type VerifyOptions } from './check-books.js';
import { describeVerified } from './describe.js';
import { verifyDatabase } from './verify-database.js';

const usage = `verify the books and their chain; ends with 0 when they hold, with 1 when they do not, with 2 when it could not look
  npm run verify -- --database URL [--programme P] [--head HASH] [--unsealed-minutes N]
  npm run verify -- --export FILE [--head HASH] [--unsealed-minutes N]
  npm run verify -- --proof FILE [--head HASH]`;

process.exitCode = await run().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 2;
});

async function run(): Promise<number> {
  const { database, programme, export: file, proof, head, 'unsealed-minutes': minutes } = readArguments();
  if ([database, file, proof].filter((one) => one !== undefined).length !== 1) {
    console.error(usage);
    return 2;
  }
  const options: VerifyOptions = {
    ...(head !== undefined && { head }),
    ...(minutes !== undefined && { unsealedMinutesMax: wholeNumber(minutes) }),
  };
  if (proof !== undefined) return verifyProof(proof, head);
  if (file !== undefined) return verifyFile(file, options);
  return verifyUrl(database ?? '', { ...options, ...(programme !== undefined && { programme: programmeId(programme) }) });
}

function verifyUrl(url: string, options: Parameters<typeof verifyDatabase>[1]): Promise<number> {
  return withLedger(url, 'verify', async (client) => {
    let [programmes, findings] = [0, 0];
    for await (const verified of verifyDatabase(client, options)) {
      programmes++;
      findings += verified.findings.count;
      console.log(describeVerified(verified));
    }
    if (programmes === 0) {
      console.error('there is no such programme');
      return 2;
    }
    return findings === 0 ? 0 : 1;
  });
}

async function verifyFile(path: string, options: VerifyOptions): Promise<number> {
  try {
    const verified = await checkBooks(readFile(path), options);
    console.log(describeVerified(verified));
    return verified.findings.count === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof FileErrors)) throw error;
    console.log(`WRONG ${path}\n${error.message}`);
    return 1;
  }
}

async function verifyProof(path: string, head: string | undefined): Promise<number> {
  const proof = readProof(await readText(path, 'utf8'));
  const wrong = proof ? checkProof(proof, head) : ['the file holds no proof'];
  if (!proof || wrong.length > 0) {
    console.log(`WRONG ${path}\n${wrong.join('\n')}`);
    return 1;
  }
  const [newest] = proof.headers;
  console.log(`OK  transfer ${proof.transfer} of ${proof.programme} is in the chain below block ${newest?.number}, ${newest?.hash}`);
  console.log(
    head === undefined
      ? '    compare this hash with one that was published: without --head nothing else was'
      : '    which is the head that was given',
  );
  console.log(`    ${proof.leaf}`);
  return 0;
}

function readProof(text: string): Proof | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const proof = value as Partial<Proof>;
    const isProof =
      typeof proof.leaf === 'string' &&
      Array.isArray(proof.path) &&
      Array.isArray(proof.headers) &&
      proof.headers.every((one) => typeof one === 'object' && one !== null);
    return isProof ? (value as Proof) : undefined;
  } catch {
    return undefined;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error('--unsealed-minutes is a whole number');
  return Number(text);
}

function readArguments() {
  const text = { type: 'string' } as const;
  return parseArgs({ options: { database: text, programme: text, export: text, proof: text, head: text, 'unsealed-minutes': text } })
    .values;
}
