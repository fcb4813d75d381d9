import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync } from 'class-validator';

/** Names every wrong key at once. Holds keys and what would be right, never a value: a bad password must not reach a log. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly { readonly key: string; readonly problem: string }[]) {
    super(
      `the configuration has ${problems.length} wrong ${problems.length === 1 ? 'key' : 'keys'}:\n${problems.map((p) => `  ${p.key}: ${p.problem}`).join('\n')}`,
    );
  }
}

/**
 * Reads the environment into a class with class-validator decorators. Every key `K` may come as `K_FILE`, the path of a file
 * that holds the value (secrets of Docker and Kubernetes). Defaults are the property initialisers of the class.
 * @throws ConfigError
 */
export function readConfig<T extends object>(shape: new () => T, environment: NodeJS.ProcessEnv = process.env): T {
  const problems: { key: string; problem: string }[] = [];
  const values: Record<string, string> = {};
  for (const key of keysOf(shape)) {
    const [value, file] = [environment[key], environment[`${key}_FILE`]];
    if (value !== undefined && value !== '' && file) problems.push({ key, problem: `is given twice, as ${key} and as ${key}_FILE` });
    else if (value !== undefined && value !== '') values[key] = value;
    else if (file) {
      try {
        values[key] = readFileSync(file, 'utf8').trim();
      } catch {
        problems.push({ key: `${key}_FILE`, problem: 'names a file that cannot be read' });
      }
    }
  }
  const config = plainToInstance(shape, values, { enableImplicitConversion: true, exposeDefaultValues: true });
  const named = new Set(problems.map((problem) => problem.key.replace(/_FILE$/, '')));
  for (const error of validateSync(config, { validationError: { target: false, value: false } }))
    if (!named.has(error.property))
      problems.push({
        key: error.property,
        problem: values[error.property] === undefined ? 'is missing' : [...new Set(Object.values(error.constraints ?? {}))].join(', '),
      });
  if (problems.length) throw new ConfigError(problems);
  return config;
}

function keysOf(shape: new () => object): string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(shape, '', false, false);
  return [...new Set(metadata.map((one) => one.propertyName))];
}
