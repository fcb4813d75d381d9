import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { contracts } from './all.js';
import { ContractError } from './contract.js';
import { asyncApiOf, generatedFiles, jsonSchemaOf } from './generate.js';
import { sampledTypes, samplesOf } from './samples.js';

const ajv = new Ajv2020({ strict: false });
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
const parser = new Parser();

/** Severity 0 is an error; the rest is advice. */
async function errorsOf(document: object): Promise<string[]> {
  const { diagnostics } = await parser.parse(JSON.stringify(document));
  return diagnostics.filter((one) => Number(one.severity) === 0).map((one) => `${one.path.join('.')}: ${one.message}`);
}

describe.each(contracts.map((one) => [one.type, one] as const))('%s', (type, contract) => {
  it('parses every stored sample', () => {
    for (const sample of samplesOf(contract)) expect(contract.check(sample)).toBe(sample);
  });

  it('has a published schema that accepts the same samples', () => {
    const validate = ajv.compile(jsonSchemaOf(contract));
    for (const sample of samplesOf(contract)) expect([validate(sample), validate.errors]).toEqual([true, null]);
  });

  it('takes a sample with fields it does not know, and none without a field it needs', () => {
    const [sample] = samplesOf(contract) as readonly Record<string, unknown>[];

    expect(() => contract.check({ ...sample, addedLater: true })).not.toThrow();
    for (const field of contract.schema['required'] as string[]) {
      const without = { ...sample };
      delete without[field];
      expect(() => contract.check(without)).toThrow(ContractError);
    }
  });

  it('has a key, and a type that names its service, fact and version', () => {
    for (const sample of samplesOf(contract)) expect(contract.key(contract.check(sample))).toMatch(/^\S{1,300}$/);
    expect(type).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*\.v[1-9]\d*$/);
  });
});

describe('the contracts', () => {
  it('are each of a different type', () => {
    expect(new Set(contracts.map((one) => one.type)).size).toBe(contracts.length);
  });

  it('fail without a sample', () => {
    expect(() => samplesOf({ type: 'ledger.not-there.v1' })).toThrow('store one in samples/ledger.not-there.v1.json');
  });

  it('are still there for every stored sample', () => {
    expect(sampledTypes().sort()).toEqual(contracts.map((one) => one.type).sort());
  });

  it('say what is wrong without the value', () => {
    const [contract] = contracts;
    const [sample] = samplesOf(contract!) as readonly Record<string, unknown>[];

    expect(() => contract!.check({ ...sample, myKeyId: 'a secret value' })).toThrow(
      'identity.holder-registered.v1: myKeyId must match pattern',
    );
    expect(() => contract!.check({ ...sample, myKeyId: 'a secret value' })).not.toThrow(/secret/);
  });
});

describe('the generated documents', () => {
  const folder = join(import.meta.dirname, '../generated');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());

  it('are committed as they are generated (npm run contracts)', () => {
    const committed = files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(folder.length + 1), JSON.parse(readFileSync(path, 'utf8')) as unknown] as const;
    });

    expect(Object.fromEntries(committed)).toEqual(Object.fromEntries(generatedFiles(contracts)));
  });

  it('hold an AsyncAPI 3 document without errors, whose examples are the samples', async () => {
    expect(await errorsOf(asyncApiOf(contracts))).toEqual([]);
  });

  it('would not pass with a message that does not exist', async () => {
    const document = asyncApiOf(contracts) as { channels: Record<string, { messages: Record<string, object> }> };
    for (const channel of Object.values(document.channels)) channel.messages = { lost: { $ref: '#/components/messages/lost' } };

    expect(await errorsOf(document)).not.toEqual([]);
  });
});
