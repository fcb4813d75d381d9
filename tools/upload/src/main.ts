import { statSync } from 'node:fs';
import { endText, progressText, sendingText } from './progress.js';
import { readOptions, usage } from './read-options.js';
import { Service, type Upload } from './service.js';

const exit = { good: 0, failed: 1, badLines: 2, usage: 64 } as const;
const askEveryMs = 500;
const logEveryMs = 5_000;

/** npm runs a script in the project's folder; a path that somebody typed is meant from where he stood. */
const typedFrom = process.env['npm_lifecycle_event'] === 'upload' ? (process.env['INIT_CWD'] ?? process.cwd()) : process.cwd();
const options = readOptions(process.argv.slice(2), typedFrom);
if (typeof options === 'string') {
  console.error(options === usage ? usage : `upload: ${options}\n\n${usage}`);
  process.exit(options === usage ? exit.good : exit.usage);
}

const isTerminal = process.stdout.isTTY;
let shownAt = 0;
/** One line that changes in a terminal; in a log a line now and then. */
const show = (text: string, isLast = false) => {
  if (!isLast && Date.now() - shownAt < (isTerminal ? 100 : logEveryMs)) return;
  shownAt = Date.now();
  if (isTerminal) process.stdout.write(`\r\u001b[2K${text}${isLast ? '\n' : ''}`);
  else console.log(text);
};

const service = new Service(options);
try {
  const { size } = statSync(options.file);
  let upload = await service.send((sent) => show(sendingText(sent, size)));
  show(`taken as upload ${upload.upload}`, true);
  if (!options.isAwaited) process.exit(exit.good);
  for (; !isOver(upload); upload = await service.read(upload.upload)) {
    show(progressText(upload));
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  show(endText(upload), true);
  for (const what of ['errors', 'results'] as const) {
    const file = options[what];
    if (file === undefined) continue;
    await service.save(upload.upload, what, file);
    console.log(`${what} written to ${file}`);
  }
  process.exitCode = upload.state !== 'done' ? exit.failed : upload.bad + upload.refused > 0 ? exit.badLines : exit.good;
} catch (error) {
  console.error(`upload: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = exit.failed;
}

function isOver({ state }: Upload): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}
