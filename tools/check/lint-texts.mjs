// Lints texts as if they stood in files of the workspace: reads [{ "filePath", "text" }] as JSON on standard input and writes
// the names of the broken rules per text. A process of its own, because ESLint does not load inside a jest of ES modules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProjectGraphAsync } from '@nx/devkit';
import { ESLint } from 'eslint';

const root = join(import.meta.dirname, '..', '..');
process.chdir(root);
// The rule about module boundaries reads the graph that this writes; without one it would be skipped.
await createProjectGraphAsync({ exitOnError: false });
const eslint = new ESLint({ cwd: root });
const found = [];
for (const { filePath, text } of JSON.parse(readFileSync(0, 'utf8'))) {
  const [result] = await eslint.lintText(text, { filePath: join(root, filePath) });
  found.push(result.messages.map(({ ruleId, message }) => ({ ruleId, message })));
}
console.log(JSON.stringify(found));
