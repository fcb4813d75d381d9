import 'reflect-metadata';
import { RequestMethod, type INestApplicationContext } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { isShape } from './shape.js';
import { operationOf, type OperationOptions, type Type } from './operation.js';

/** One HTTP route of a service, as its decorators say. */
export interface Route {
  readonly controller: string;
  readonly handler: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** In the form `/v1/municipalities/:municipality/programmes`. */
  readonly path: string;
  readonly operation: OperationOptions;
  readonly body?: Type;
  readonly query?: Type;
  readonly params?: Type;
}

/** All routes, sorted. @throws when one has no `@Operation` or when its path and its tenancy do not fit. */
export function routesOf(app: INestApplicationContext): Route[] {
  const routes = [...app.get(ModulesContainer).values()].flatMap((module) =>
    [...module.controllers.values()].flatMap((wrapper) =>
      typeof wrapper.metatype === 'function' ? routesIn(wrapper.metatype as Type) : [],
    ),
  );
  return routes.sort((a, b) => `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`));
}

const methods: Partial<Record<RequestMethod, Route['method']>> = {
  [RequestMethod.GET]: 'get',
  [RequestMethod.POST]: 'post',
  [RequestMethod.PUT]: 'put',
  [RequestMethod.PATCH]: 'patch',
  [RequestMethod.DELETE]: 'delete',
};

function routesIn(controller: Type): Route[] {
  const prefix = Reflect.getMetadata(PATH_METADATA, controller) as string | undefined;
  const prototype = controller.prototype as Record<string, unknown>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = name === 'constructor' ? undefined : prototype[name];
    if (typeof handler !== 'function') return [];
    const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
    const method = methods[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
    if (path === undefined || method === undefined) return [];
    const where = `${controller.name}.${name}`;
    const operation = operationOf(handler);
    if (!operation) throw new Error(`${where} has no @Operation: every route says its scope or that it is public`);
    const full = `/${[prefix, path]
      .map((part) => (part ?? '').replace(/^\/|\/$/g, ''))
      .filter(Boolean)
      .join('/')}`;
    if (operation.scope && !operation.platform && !full.includes('/:municipality'))
      throw new Error(`${where}: the path needs :municipality, or the operation is for the platform`);
    const types = argumentTypes(prototype, controller, name);
    return [{ controller: controller.name, handler: name, method, path: full, operation, ...types }];
  });
}

/** Nest stores the arguments of a handler as `<kind>:<index>`; kinds 3, 4, 5 are body, query and param (RouteParamtypes). */
function argumentTypes(prototype: object, controller: Type, name: string): { body?: Type; query?: Type; params?: Type } {
  const types = (Reflect.getMetadata('design:paramtypes', prototype, name) as unknown[] | undefined) ?? [];
  const found: { body?: Type; query?: Type; params?: Type } = {};
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<string, { index: number; data?: unknown }>;
  for (const [key, { index }] of Object.entries(args)) {
    const type = types[index];
    const kind = ({ '3': 'body', '4': 'query', '5': 'params' } as const)[key.split(':')[0] ?? ''];
    if (kind && isShape(type)) found[kind] = type;
  }
  return found;
}
