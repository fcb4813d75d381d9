import { writeFileSync } from 'node:fs';
import { runChecks, table } from './run-checks.js';
import { readSettings } from './settings.js';

try {
  const settings = await readSettings(process.argv.slice(2), process.env, (text) => process.stdout.write(`${text}\n`));
  if (settings) {
    const report = await runChecks(settings.target, settings.checks, settings.only);
    process.stdout.write(`${table(report)}\n`);
    if (settings.jsonFile !== undefined) writeFileSync(settings.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
    process.exitCode = report.failed > 0 || (settings.isStrict && report.skipped > 0) ? 1 : 0;
  }
} catch (error) {
  process.stderr.write(`conformance: ${error instanceof Error ? error.message : 'could not be run'}\n`);
  process.exitCode = 2;
}
