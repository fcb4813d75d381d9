import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderProblem, javaProblem, mavenProblem, nodeProblem } from './machine.js';

describe('the machine', () => {
  it.each([
    ['24.21.0', undefined],
    ['26.10.0', undefined],
    ['20.20.2', /^Node 20\.20\.2 is too old: Node 24 is needed\. .*npm ci/],
  ])('Node %s', (version, sentence) => {
    expect(nodeProblem(version)).toEqual(sentence ? expect.stringMatching(sentence) : undefined);
  });

  it.each([
    ['openjdk version "17.0.15" 2025-04-15', undefined],
    ['openjdk version "25" 2025-09-16', undefined],
    ['openjdk version "11.0.2" 2019-01-15', /^Java 11 is too old .*install a Java runtime 17/],
    ['java version "1.8.0_292"', /^Java 8 is too old/],
    ['what?', /says nothing that names a version/],
  ])('Java that says %s', (text, sentence) => {
    expect(javaProblem(() => text)).toEqual(sentence ? expect.stringMatching(sentence) : undefined);
  });

  it('says how to get what is not there', () => {
    const missing = () => {
      throw new Error('ENOENT');
    };

    expect(javaProblem(missing)).toMatch(/^Java was not found.*apt-get install/);
    expect(mavenProblem('/nowhere/mvn')).toMatch(/^Maven was not found.*KAFKA_JARS/);
  });

  it('makes a folder, and refuses a place where none can be', () => {
    const folder = mkdtempSync(join(tmpdir(), 'points-machine-'));
    writeFileSync(join(folder, 'file'), '');

    expect(folderProblem(join(folder, 'new', 'deeper'))).toBeUndefined();
    expect(folderProblem(join(folder, 'file', 'below'))).toMatch(/cannot be written \(ENOTDIR\).*CLOUD_HOME/);
    rmSync(folder, { recursive: true });
  });
});
