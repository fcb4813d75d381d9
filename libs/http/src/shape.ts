import 'reflect-metadata';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
// class-validator-jsonschema needs class-transformer's store to find the class behind @Type(); it is not in the public entry.
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { fieldKinds } from './fields.js';
import type { Type } from './operation.js';

export interface FieldProblem {
  readonly field: string;
  readonly reason: string;
}

/** The compiled validator of one request class. */
export interface Shape {
  /** Every problem at once, empty when the value has this shape. `value` is changed only by coercion of a query or path. */
  problemsOf(value: unknown): FieldProblem[];
}

const compiled = { body: new Map<Type, Shape>(), text: new Map<Type, Shape>() };
const validators = { body: instance(false), text: instance(true) };

/** `text`: the values come from a path or a query and are coerced from text. */
export function compileShape(type: Type, kind: 'body' | 'text'): Shape {
  const known = compiled[kind].get(type);
  if (known) return known;
  const validate: ValidateFunction = validators[kind].compile({ ...closed(jsonSchemaOf(type)), $async: false });
  const shape: Shape = { problemsOf: (value) => (validate(value) ? unstorable(value) : toProblems(validate.errors ?? [])) };
  compiled[kind].set(type, shape);
  return shape;
}

/** False for classes without a decorator: framework objects, plain `Object`, `String`. */
export function isShape(type: unknown): type is Type {
  if (typeof type !== 'function') return false;
  let known = shapes.get(type);
  // Asked for every argument of every request: class-validator builds lists to answer.
  if (known === undefined) shapes.set(type, (known = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).length > 0));
  return known;
}

const shapes = new WeakMap<object, boolean>();

/** JSON Schema with nested classes written out in place: the same for the validator and for OpenAPI. */
export function jsonSchemaOf(type: Type): Record<string, unknown> {
  return inlined(type, []);
}

function inlined(type: Type, path: readonly Type[]): Record<string, unknown> {
  if (path.includes(type)) throw new Error(`${type.name} contains itself: a request needs a bounded shape`);
  const nested = new Map<string, Type>();
  for (const one of [type, ...ancestorsOf(type)])
    for (const property of getMetadataStorage().getTargetValidationMetadatas(one, '', false, false)) {
      const inner = defaultMetadataStorage.findTypeMetadata(one, property.propertyName)?.typeFunction() as Type | undefined;
      if (inner && isShape(inner)) nested.set(inner.name, inner);
    }
  const schema = targetConstructorToSchema(type, {
    additionalConverters: converters,
    refPointerPrefix: '#/inline/',
    classTransformerMetadataStorage: defaultMetadataStorage as never,
  });
  return replaceReferences(schema, (name) => {
    const inner = nested.get(name);
    if (!inner) throw new Error(`${type.name}: the class ${name} needs @ValidateNested() and @Type()`);
    return inlined(inner, [...path, type]);
  }) as Record<string, unknown>;
}

function ancestorsOf(type: Type): Type[] {
  const { constructor: parent } = (Object.getPrototypeOf(type.prototype) ?? {}) as { constructor?: Type };
  return parent && parent !== (Object as unknown) ? [parent, ...ancestorsOf(parent)] : [];
}

function replaceReferences(node: unknown, resolve: (name: string) => Record<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((one) => replaceReferences(one, resolve));
  if (typeof node !== 'object' || node === null) return node;
  if ('$ref' in node && typeof node.$ref === 'string') return resolve(node.$ref.replace('#/inline/', ''));
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, replaceReferences(value, resolve)]));
}

/** A field nobody knows is a mistake of the caller, not something to drop in silence. */
function closed(schema: Record<string, unknown>): Record<string, unknown> {
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== 'object' || node === null) return node;
    const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, visit(value)]));
    return copy.type === 'object' && copy.properties && copy.additionalProperties === undefined
      ? { ...copy, additionalProperties: false }
      : copy;
  };
  return visit(schema) as Record<string, unknown>;
}

const converters = Object.fromEntries(fieldKinds.map((kind) => [kind.name, () => ({ ...kind.schema })]));

function instance(coerce: boolean): Ajv {
  const ajv = new Ajv({ allErrors: true, strict: false, coerceTypes: coerce, ownProperties: true, verbose: false });
  // CommonJS default export, see contracts/contract.ts.
  (addFormats as unknown as (target: Ajv) => void)(ajv);
  for (const kind of fieldKinds)
    if (typeof kind.schema.format === 'string') ajv.addFormat(kind.schema.format, { type: 'string', validate: kind.accepts });
  return ajv;
}

/** PostgreSQL has no text with U+0000 and no JSON with half of a surrogate pair; both can stand in a request's JSON. */
function unstorable(value: unknown, at: readonly string[] = []): FieldProblem[] {
  if (typeof value === 'string')
    return value.includes('\0') || !value.isWellFormed()
      ? [{ field: at.join('.') || 'body', reason: 'holds U+0000 or half of a character, which is no text' }]
      : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .flatMap(([name, one]) => unstorable(one, [...at, name]))
    .slice(0, problemsMax);
}

const problemsMax = 20;

function toProblems(errors: readonly ErrorObject[]): FieldProblem[] {
  return errors.slice(0, problemsMax).map((error) => {
    const at = error.instancePath.slice(1).split('/').filter(Boolean).join('.');
    const inside = (name: string) => (at ? `${at}.${name}` : name);
    const params = error.params as Record<string, unknown>;
    switch (error.keyword) {
      case 'required':
        return { field: inside(String(params.missingProperty)), reason: 'is missing' };
      case 'additionalProperties':
        return { field: inside(String(params.additionalProperty)), reason: 'is not a known field' };
      case 'enum':
        return { field: at || 'body', reason: `must be one of ${(params.allowedValues as unknown[]).join(', ')}` };
      case 'format':
        return {
          field: at || 'body',
          reason: fieldKinds.find((kind) => kind.schema.format === params.format)?.says ?? `must be a ${String(params.format)}`,
        };
      default:
        return { field: at || 'body', reason: error.message ?? 'is wrong' };
    }
  });
}
