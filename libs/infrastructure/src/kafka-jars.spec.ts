import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchKafkaJars, hasKafkaJars } from './kafka-jars.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'points-jars-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Stands in for Maven: writes down each call and does `body` in the folder it is started in. */
function maven(body: string): string {
  const program = join(folder, 'mvn');
  writeFileSync(program, `#!/bin/sh\n[ "$1" = --version ] && exit 0\necho called >> ${join(folder, 'calls')}\n${body}\n`);
  chmodSync(program, 0o755);
  return program;
}

describe('the jars of Kafka', () => {
  it('are fetched by two at once without harm, and then kept', async () => {
    const options = { maven: maven('mkdir jars && echo jar > jars/kafka.jar') };
    const directory = join(folder, 'kafka-jars');

    const [one, other] = await Promise.all([fetchKafkaJars(directory, undefined, options), fetchKafkaJars(directory, undefined, options)]);
    const later = await fetchKafkaJars(directory, undefined, { maven: '/nowhere/mvn' });

    expect(new Set([one, other, later]).size).toBe(1);
    expect(readdirSync(one)).toEqual(['kafka.jar']);
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it('leave nothing behind when Maven fails, and its reason is told', async () => {
    const options = { maven: maven('mkdir jars && echo half > jars/half.jar\necho "[ERROR] Could not transfer artifact"\nexit 1') };
    const directory = join(folder, 'kafka-jars');

    await expect(fetchKafkaJars(directory, undefined, options)).rejects.toThrow(
      /Maven could not fetch the jars of Kafka \(Could not transfer artifact\): check the network/,
    );

    expect(hasKafkaJars(directory)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });
});
