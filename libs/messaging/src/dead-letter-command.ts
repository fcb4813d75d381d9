import type { Database } from '@points/database';
import { discardDeadLetters, listDeadLetters, replayDeadLetters, type DeadLetter, type DeadLetterChoice } from './dead-letters.js';

/**
 * The operator's command of a service: `list [--after ID]`, `replay` and `discard` with `--key KEY`, `--id ID` or `--all`. Answers the
 * exit code. A replay is done by the running service; run `list` again to see what is left.
 */
export async function deadLetterCommand(
  argv: readonly string[],
  options: { readonly service: string; readonly database: Database; readonly print?: (line: string) => void },
): Promise<number> {
  const { service, database, print = (line) => void process.stdout.write(`${line}\n`) } = options;
  const [verb, ...rest] = argv;
  try {
    if (verb === 'list') {
      const letters = await listDeadLetters(database, rest[0] === '--after' && rest[1] ? { afterId: numeric(rest[1]) } : {});
      for (const letter of letters) print(describe(letter));
      const last = letters.at(-1);
      print(
        last ? `${letters.length} dead letters of ${service}; the next page: list --after ${last.id}` : `no dead letters of ${service}`,
      );
      return 0;
    }
    if (verb === 'replay') {
      const keys = await replayDeadLetters(database, choiceOf(rest));
      print(`asked the running ${service} to replay ${keys} ${keys === 1 ? 'key' : 'keys'}, each from its first message on`);
      return keys > 0 ? 0 : 1;
    }
    if (verb === 'discard') {
      const messages = await discardDeadLetters(database, choiceOf(rest));
      print(`discarded ${messages} ${messages === 1 ? 'message' : 'messages'} of ${service}`);
      return messages > 0 ? 0 : 1;
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(error.message);
  }
  print(
    'usage: list [--after ID] | replay --key KEY | replay --id ID | replay --all | discard --key KEY | discard --id ID | discard --all',
  );
  return 2;
}

class UsageError extends Error {}

function choiceOf([option, value]: readonly string[]): DeadLetterChoice {
  if (option === '--all' && value === undefined) return 'all';
  if (option === '--key' && value) return { key: value };
  if (option === '--id' && value) return { id: numeric(value) };
  throw new UsageError('say which: --key KEY, --id ID or --all');
}

function numeric(text: string): string {
  if (!/^\d{1,18}$/.test(text)) throw new UsageError(`${text} is not the id of a dead letter`);
  return text;
}

function describe(letter: DeadLetter): string {
  const place = `${letter.topic}/${letter.partition}@${letter.offset}`;
  const state = letter.replayRequested ? ' replay requested' : '';
  return `${letter.id}  ${letter.parkedAt.toISOString()}  ${place}  ${letter.type ?? '-'}  key ${letter.key}  ${letter.reason}: ${letter.detail}  attempts ${letter.attempts}${state}`;
}
