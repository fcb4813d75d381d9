import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');
const rules = `services/ledger/src/rules/${readdirSync(join(root, 'services/ledger/src/rules')).find((name) => /^[a-z-]+\.ts$/.test(name))}`;
const service = 'services/exchange/src/index.ts';

/** Each stands in for the content of a file that exists; `breaks` is the rule that must object, undefined for what is allowed. */
const cases = [
  {
    promise: 'a service imports another service',
    filePath: service,
    text: `import '@points/ledger';\n`,
    breaks: '@nx/enforce-module-boundaries',
  },
  {
    promise: 'a service reaches into the files of another',
    filePath: service,
    text: `import '../../ledger/src/index.js';\n`,
    breaks: '@nx/enforce-module-boundaries',
  },
  {
    promise: 'a service imports a tool',
    filePath: service,
    text: `import '@points/simulators';\n`,
    breaks: '@nx/enforce-module-boundaries',
  },
  {
    promise: 'a lib imports a service',
    filePath: 'libs/database/src/index.ts',
    text: `import '@points/ledger';\n`,
    breaks: '@nx/enforce-module-boundaries',
  },
  {
    promise: 'the kernel imports a lib',
    filePath: 'libs/kernel/src/index.ts',
    text: `import '@points/database';\n`,
    breaks: '@nx/enforce-module-boundaries',
  },
  { promise: 'rules/ imports a driver', filePath: rules, text: `import 'pg';\n`, breaks: 'no-restricted-imports' },
  { promise: 'rules/ imports another lib', filePath: rules, text: `import '@points/database';\n`, breaks: 'no-restricted-imports' },
  { promise: 'rules/ imports the folder above', filePath: rules, text: `import '../index.js';\n`, breaks: 'no-restricted-imports' },
  { promise: 'rules/ reads the clock', filePath: rules, text: `export const now = new Date();\n`, breaks: 'no-restricted-globals' },
  { promise: 'rules/ throws dice', filePath: rules, text: `export const dice = Math.random();\n`, breaks: 'no-restricted-properties' },
  {
    promise: 'rules/ imports the kernel',
    filePath: rules,
    text: `import { points } from '@points/kernel';\nexport const one = points(1);\n`,
    breaks: undefined,
  },
] as const;

/** Rules about types say more or less, depending on what has been built. */
const boundaryRules = /^(@nx\/enforce-module-boundaries|no-restricted-.*)$/;

describe('lint', () => {
  let found: { ruleId: string; message: string }[][];
  beforeAll(async () => {
    found = await lint(cases.map(({ filePath, text }) => ({ filePath, text })));
  }, 120_000);

  it.each(cases.map((one, index) => ({ ...one, index })))('$promise: $breaks', ({ index, breaks }) => {
    const broken = found[index]?.map(({ ruleId }) => ruleId).filter((rule) => boundaryRules.test(rule));

    expect(broken).toEqual(breaks === undefined ? [] : expect.arrayContaining([breaks]));
  });
});

function lint(texts: { filePath: string; text: string }[]): Promise<{ ruleId: string; message: string }[][]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'tools/check/lint-texts.mjs')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NX_DAEMON: 'false' },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as { ruleId: string; message: string }[][]);
      else reject(new Error(`lint-texts.mjs ended with ${code}`));
    });
    child.stdin.end(JSON.stringify(texts));
  });
}
