import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const usage = `usage: npm run upload -- FILE --url URL --programme ID --partner ID --identity URL --client ID --secret-file FILE
         [--dry-run] [--whole-file] [--key FILE --kid ID] [--errors FILE] [--results FILE] [--again] [--no-wait]

  FILE             orders as CSV (.csv) or JSON Lines (.jsonl, .ndjson)
  --url URL        of the exchange service
  --identity URL   of the identity service, for a token; the client's secret is read from --secret-file
  --dry-run        check all that can be known without the ledger, and book nothing
  --whole-file     book nothing unless every line is good
  --key FILE       private key in PEM (Ed25519 or ECDSA P-256) that signs the file; --kid is its id at the service
  --errors FILE    write the errors of lines there, as CSV
  --results FILE   write what became of each line there, as CSV
  --again          send the file as a new upload, though the same was sent before
  --no-wait        do not wait for the end

Run the same command again after it was interrupted: the same file is the same upload, which goes on where it is.
exit: 0 all lines booked (or good); 1 the file could not be sent or has failed; 2 some lines have errors or were refused; 64 wrong options`;

export interface Options {
  readonly file: string;
  readonly mediaType: string;
  readonly url: string;
  readonly identity: string;
  readonly programme: string;
  readonly partner: string;
  readonly client: string;
  readonly secret: string;
  readonly isDryRun: boolean;
  readonly isWholeFile: boolean;
  readonly key?: { readonly pem: string; readonly kid: string };
  readonly errors?: string;
  readonly results?: string;
  readonly isAgain: boolean;
  readonly isAwaited: boolean;
}

/** The options, or what is wrong with them. @param from where paths begin */
export function readOptions(argv: readonly string[], from: string): Options | string {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...{
          url: text,
          identity: text,
          programme: text,
          partner: text,
          client: text,
          'secret-file': text,
          key: text,
          kid: text,
          errors: text,
        },
        ...{ results: text, 'dry-run': flag, 'whole-file': flag, again: flag, 'no-wait': flag, help: { ...flag, short: 'h' } },
      },
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { values, positionals } = parsed;
  if (values.help) return usage;
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) return `one file is needed, ${positionals.length} are given`;
  const { url, identity, programme, partner, client, key, kid } = values;
  const secretFile = values['secret-file'];
  const missing = Object.entries({ url, identity, programme, partner, client, 'secret-file': secretFile }).find(
    ([, value]) => value === undefined,
  );
  if (
    url === undefined ||
    identity === undefined ||
    programme === undefined ||
    partner === undefined ||
    client === undefined ||
    !secretFile
  )
    return `--${missing?.[0]} is missing`;
  if (!/^\d{6}-/.test(programme)) return '--programme is an id such as 141305-points';
  if ((key === undefined) !== (kid === undefined)) return '--key and --kid come together';
  const typed = (path: string) => resolve(from, path);
  const absent = [file, secretFile, key].find((one) => one !== undefined && !existsSync(typed(one)));
  if (absent !== undefined) return `the file ${typed(absent)} does not exist`;
  const mediaType = /\.csv$/i.test(file) ? 'text/csv' : /\.(jsonl|ndjson)$/i.test(file) ? 'application/jsonl' : undefined;
  if (mediaType === undefined) return `${file} must end with .csv, .jsonl or .ndjson`;
  return {
    ...{ file: typed(file), mediaType, url: url.replace(/\/$/, ''), identity: identity.replace(/\/$/, ''), programme, partner, client },
    secret: readFileSync(typed(secretFile), 'utf8').trim(),
    ...{ isDryRun: values['dry-run'], isWholeFile: values['whole-file'], isAgain: values.again, isAwaited: !values['no-wait'] },
    ...(key !== undefined && kid !== undefined && { key: { pem: readFileSync(typed(key), 'utf8'), kid } }),
    ...(values.errors !== undefined && { errors: typed(values.errors) }),
    ...(values.results !== undefined && { results: typed(values.results) }),
  };
}
