// The outside system of a shopping street's card (ブレカ and the like), as far as this cloud meets it: it credits members and keeps its
// own books. Run `node tools/simulators/dist/card-scheme.js --help`. Without imports of the workspace, so that a test of any package may
// start its source as the foreign process it stands for.
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { parseArgs } from 'node:util';
import { decoded, listen, portOf, problem, readJson, readText, runSimulator, send, stop, type Answer } from './json-http.ts';
import { readLines } from './state-file.ts';
import { fileCharactersMax, readDayFile, resultsFile, type ResultLine } from './day-file.ts';

export interface CardSchemeOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  /** Bearer token that a caller must send; anybody may credit when absent. */
  readonly secret?: string;
  /** One JSON line per credit or refusal, read again at the start. In memory only when absent. */
  readonly stateFile?: string;
  readonly control?: Partial<Control>;
}

/** How the scheme behaves, changed while it runs by PUT /control. */
export interface Control {
  /** up; unavailable: 503 and nothing is credited; lost-answer: credits, then drops the connection without a word. */
  mode: 'up' | 'unavailable' | 'lost-answer';
  /** Each credit takes this long. */
  delayMs: number;
  /** Members whose id ends so are unknown here. */
  refuseSuffix: string | null;
  /** Each n-th new credit is refused (card blocked). */
  refuseEvery: number | null;
  /** Each n-th line of a day's file is passed over: not credited, and not in the results. */
  silentEvery: number | null;
}

export interface Credited {
  readonly scheme: string;
  readonly id: string;
  readonly member: string;
  readonly points: number;
  readonly at: string;
  readonly receipt: string;
}

export interface CardScheme {
  readonly url: string;
  readonly port: number;
  readonly control: Control;
  credits(scheme: string): Credited[];
  stop(): Promise<void>;
}

export async function startCardScheme(options: CardSchemeOptions): Promise<CardScheme> {
  const control: Control = { mode: 'up', delayMs: 0, refuseSuffix: null, refuseEvery: null, silentEvery: null, ...options.control };
  const book = openBook(options.stateFile);
  const server = createServer((request, response) => {
    answerTo(request, { book, control, secret: options.secret }).then(
      (answer) => send(response, answer),
      () => send(response, problem(500, 'internal-error', 'something went wrong here')),
    );
  });
  const { host = '127.0.0.1' } = options;
  const port = await listen(server, options.port, host);
  return { url: `http://${host}:${port}`, port, control, credits: (scheme) => book.credits(scheme, 0, Infinity), stop: () => stop(server) };
}

const creditsPageMax = 1_000;
const pointsMax = 1_000_000_000;

interface Scheme {
  readonly book: Book;
  readonly control: Control;
  readonly secret: string | undefined;
}

async function answerTo(request: IncomingMessage, scheme: Scheme): Promise<Answer> {
  const { method = '', headers } = request;
  const url = new URL(request.url ?? '/', 'http://scheme');
  const parts = decoded(url.pathname);
  if (!parts) return problem(404, 'not-found', 'the address is not well encoded');
  const [first, name = '', what, id = ''] = parts;
  if (method === 'GET' && first === 'health') return { status: 200, body: { status: 'ready' } };
  if (first === 'control' && parts.length === 1)
    return method === 'PUT' ? setControl(await readJson(request), scheme.control) : { status: 200, body: scheme.control };
  if (first !== 'schemes' || (what !== 'credits' && what !== 'files') || parts.length > (what === 'files' ? 3 : 4))
    return problem(404, 'not-found', 'there is nothing at this address');
  if (scheme.secret !== undefined && headers.authorization !== `Bearer ${scheme.secret}`)
    return problem(401, 'secret-wrong', 'send Authorization: Bearer <secret>');
  if (what === 'files')
    return method === 'POST'
      ? creditFile(name, await readText(request, fileCharactersMax), scheme)
      : problem(405, 'method-not-allowed', 'the file of a day is POSTed');
  if (method === 'GET' && parts.length === 3) {
    const after = Number(url.searchParams.get('after') ?? 0);
    return { status: 200, body: { credits: scheme.book.credits(name, Number.isFinite(after) ? after : 0, creditsPageMax) } };
  }
  if (method === 'GET') {
    const found = scheme.book.find(name, id);
    return found && 'receipt' in found
      ? { status: 200, body: found }
      : problem(404, 'unknown-credit', 'nothing was credited under this id');
  }
  if (method !== 'PUT' || parts.length !== 4) return problem(405, 'method-not-allowed', 'credits are PUT under an id');
  return credit(name, id, await readJson(request), scheme);
}

/** The rules of the scheme: one id is one credit for ever, and its first answer is its only answer. */
async function credit(name: string, id: string, body: unknown, { book, control }: Scheme): Promise<Answer> {
  if (control.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, control.delayMs));
  if (control.mode === 'unavailable') return problem(503, 'unavailable', 'closed for maintenance');
  const { member, points } = (body ?? {}) as { member?: unknown; points?: unknown };
  if (typeof member !== 'string' || !isMember(member))
    return problem(400, 'member-wrong', 'member: the id of a card or member, without white space');
  if (typeof points !== 'number' || !isPoints(points)) return problem(400, 'points-wrong', `points: a whole number from 1 to ${pointsMax}`);
  const entry = entryOf({ name, id, member, points }, book, control);
  if (!entry) return problem(409, 'credit-exists', 'another credit was asked for under this id');
  if (control.mode === 'lost-answer') return undefined;
  if ('refused' in entry) return problem(422, entry.refused, refusals[entry.refused]);
  return { status: 200, body: { receipt: entry.receipt, id, scheme: name, member, points, at: entry.at } };
}

/** The file of a day by the same rules, whole or not at all; answers with the results file. */
async function creditFile(name: string, text: string | undefined, { book, control }: Scheme): Promise<Answer> {
  if (control.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, control.delayMs));
  if (control.mode === 'unavailable') return problem(503, 'unavailable', 'closed for maintenance');
  const lines = text === undefined ? undefined : readDayFile(text);
  if (!lines) return problem(422, 'file-wrong', 'send the file of a day as text/csv: creditId,member,points,requestedAt');
  const wrong = lines.find(({ member, points }) => !isMember(member) || !isPoints(points));
  if (wrong)
    return problem(422, 'file-wrong', `line ${wrong.line}: member without white space, points a whole number from 1 to ${pointsMax}`);
  const other = lines.find(({ id, member, points }) => isOther(book.find(name, id), member, points));
  if (other) return problem(409, 'credit-exists', `line ${other.line}: another credit was asked for under this id`);
  const { silentEvery } = control;
  const heard = lines.filter((_, index) => !silentEvery || (index + 1) % silentEvery !== 0);
  const results = heard.flatMap(({ id, member, points }): ResultLine[] => {
    const entry = entryOf({ name, id, member, points }, book, control);
    if (!entry) return [];
    return 'refused' in entry
      ? [{ creditId: id, result: 'refused', reason: refusals[entry.refused], receipt: '', points }]
      : [{ creditId: id, result: 'accepted', reason: '', receipt: entry.receipt, points }];
  });
  if (control.mode === 'lost-answer') return undefined;
  return { status: 200, body: resultsFile(results), headers: { 'content-type': 'text/csv; charset=utf-8' } };
}

interface Asked {
  readonly name: string;
  readonly id: string;
  readonly member: string;
  readonly points: number;
}

/** The first answer to the id, or a new one; none when the id has other content. */
function entryOf({ name, id, member, points }: Asked, book: Book, control: Control): Entry | undefined {
  const before = book.find(name, id);
  if (isOther(before, member, points)) return undefined;
  return before ?? book.write(name, id, member, points, refusalOf(member, book, control));
}

function isOther(before: Entry | undefined, member: string, points: number): boolean {
  return before !== undefined && (before.member !== member || before.points !== points);
}

function isMember(member: string): boolean {
  return /^\S{1,60}$/.test(member);
}

function isPoints(points: number): boolean {
  return Number.isInteger(points) && points >= 1 && points <= pointsMax;
}

const refusals = { 'unknown-member': 'no such card or member', 'card-blocked': 'the card is blocked' } as const;
type RefusalCode = keyof typeof refusals;

function refusalOf(member: string, book: Book, { refuseSuffix, refuseEvery }: Control): RefusalCode | undefined {
  if (refuseSuffix && member.endsWith(refuseSuffix)) return 'unknown-member';
  return refuseEvery && (book.size + 1) % refuseEvery === 0 ? 'card-blocked' : undefined;
}

type Entry = Credited | (Omit<Credited, 'receipt'> & { readonly refused: RefusalCode });

interface Book {
  readonly size: number;
  find(scheme: string, id: string): Entry | undefined;
  /** `after`: how many to leave out. */
  credits(scheme: string, after: number, limit: number): Credited[];
  write(scheme: string, id: string, member: string, points: number, refused: RefusalCode | undefined): Entry;
}

function openBook(file: string | undefined): Book {
  const entries = new Map<string, Entry>();
  const keyOf = (scheme: string, id: string) => JSON.stringify([scheme, id]);
  for (const entry of file === undefined ? [] : readLines<Entry>(file)) entries.set(keyOf(entry.scheme, entry.id), entry);
  return {
    get size() {
      return entries.size;
    },
    find: (scheme, id) => entries.get(keyOf(scheme, id)),
    credits: (scheme, after, limit) =>
      [...entries.values()].filter((one): one is Credited => one.scheme === scheme && 'receipt' in one).slice(after, after + limit),
    write: (scheme, id, member, points, refused) => {
      const common = { scheme, id, member, points, at: new Date().toISOString() };
      const entry: Entry = refused ? { ...common, refused } : { ...common, receipt: `CS-${String(entries.size + 1).padStart(8, '0')}` };
      // Kept before it is answered: what was acknowledged is known after a crash too.
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(entry)}\n`);
      entries.set(keyOf(scheme, id), entry);
      return entry;
    },
  };
}

function setControl(body: unknown, control: Control): Answer {
  const changes = (body ?? {}) as Partial<Control>;
  const wrong = Object.entries(changes).filter(([name, value]) => !controls[name as keyof Control]?.(value));
  if (typeof body !== 'object' || wrong.length)
    return problem(422, 'control-wrong', `not understood: ${wrong.map(([name]) => name).join(', ') || 'the body'}`);
  Object.assign(control, changes);
  return { status: 200, body: control };
}

const controls: Readonly<Record<keyof Control, (value: unknown) => boolean>> = {
  mode: (value) => value === 'up' || value === 'unavailable' || value === 'lost-answer',
  delayMs: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 60_000,
  refuseSuffix: (value) => value === null || (typeof value === 'string' && value.length >= 1),
  refuseEvery: isNth,
  silentEvery: isNth,
};

function isNth(value: unknown): boolean {
  return value === null || (Number.isInteger(value) && (value as number) >= 1);
}

const help = `card-scheme: the outside card scheme of a shopping street, simulated

  --port N           port (or the variable PORT); 0 takes a free one
  --host ADDRESS     127.0.0.1 unless told
  --secret TEXT      bearer token that callers must send (or the variable CARD_SCHEME_SECRET)
  --state FILE       keeps the credits in this file
  --refuse-every N   refuses each n-th new credit
  --refuse-suffix S  refuses members whose id ends so
`;

if (import.meta.main) await runSimulator('card scheme', main);

async function main(): Promise<CardScheme | undefined> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env['PORT'] ?? '' },
      host: { type: 'string' },
      secret: { type: 'string', default: process.env['CARD_SCHEME_SECRET'] ?? '' },
      state: { type: 'string' },
      'refuse-every': { type: 'string' },
      'refuse-suffix': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return undefined;
  }
  const refuseEvery = Number(values['refuse-every'] ?? 0);
  if (!Number.isInteger(refuseEvery) || refuseEvery < 0) throw new Error('--refuse-every must be a whole number');
  return startCardScheme({
    port: portOf(values.port),
    ...(values.host && { host: values.host }),
    ...(values.secret && { secret: values.secret }),
    ...(values.state && { stateFile: values.state }),
    control: { refuseEvery: refuseEvery || null, refuseSuffix: values['refuse-suffix'] || null },
  });
}
