import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, Min, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

type Shape = () => new () => object;

/** A list of objects of one shape, at most `max` of them. */
export function IsListOf(shape: Shape, max: number): PropertyDecorator {
  return applyDecorators(Type(shape), ValidateNested({ each: true }), ArrayMaxSize(max), IsArray());
}

/** One object of that shape. */
export function IsNested(shape: Shape): PropertyDecorator {
  return applyDecorators(Type(shape), ValidateNested());
}

/** A whole number that may be 0: of things, and of points where there may be none. */
export function IsCount(): PropertyDecorator {
  // In OpenAPI the last one names the type.
  return applyDecorators(Min(0), IsInt());
}

/** The field is always there and may be null, which `IsOptional` would not say: JSON Schema 2020-12 has a list of types for it. */
export function OrNull(description?: string): PropertyDecorator {
  // The types of the library are those of OpenAPI 3.0, where `type` is one word.
  return JSONSchema(
    (schema) => ({ ...schema, type: [schema.type, 'null'], ...(description !== undefined && { description }) }) as never,
  ) as PropertyDecorator;
}
