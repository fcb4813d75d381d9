import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, readConfig } from './read-config.js';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';

class Example {
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(65535, { message: 'must be a port number' })
  PORT!: number;

  @Matches(/^postgres:/, { message: 'must be a URL of the form postgres://…' })
  DATABASE_URL!: string;

  @IsIn(['info', 'warn'])
  LOG_LEVEL = 'info';

  @IsOptional()
  @Matches(/^https?:/)
  COLLECTOR?: string;
}

describe('the configuration', () => {
  it('is typed and has the defaults of its class', () => {
    expect(readConfig(Example, { PORT: '7101', DATABASE_URL: 'postgres://x' })).toMatchObject({
      PORT: 7101,
      DATABASE_URL: 'postgres://x',
      LOG_LEVEL: 'info',
    });
  });

  it('names every wrong key at once and never a value', () => {
    const read = () => readConfig(Example, { PORT: '99999', DATABASE_URL: 'mysql://user:hunter2@host', LOG_LEVEL: 'loud' });

    expect(read).toThrow(ConfigError);
    try {
      read();
    } catch (error) {
      expect((error as ConfigError).problems.map((one) => one.key)).toEqual(['PORT', 'DATABASE_URL', 'LOG_LEVEL']);
      expect((error as ConfigError).message).not.toMatch(/hunter2|99999|loud/);
    }
  });

  it('says that a key is missing', () => {
    expect(() => readConfig(Example, {})).toThrow(/PORT: is missing\n {2}DATABASE_URL: is missing/);
  });

  it('reads a secret from a file, and names the key whose file cannot be read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'config-'));
    try {
      writeFileSync(join(directory, 'url'), 'postgres://secret\n');

      expect(readConfig(Example, { PORT: '1', DATABASE_URL_FILE: join(directory, 'url') }).DATABASE_URL).toBe('postgres://secret');
      expect(() => readConfig(Example, { PORT: '1', DATABASE_URL_FILE: join(directory, 'none') })).toThrow(
        'DATABASE_URL_FILE: names a file that cannot be read',
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('refuses a key that is given twice', () => {
    expect(() => readConfig(Example, { PORT: '1', DATABASE_URL: 'postgres://x', DATABASE_URL_FILE: '/x' })).toThrow('given twice');
  });
});
