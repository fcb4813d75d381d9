import type { INestApplicationContext } from '@nestjs/common';
import type { FileInfo, HeaderInfo, OperationOptions, Type } from './operation.js';
import { routesOf, type Route } from './routes.js';
import { isShape, jsonSchemaOf } from './shape.js';

export interface ApiInfo {
  readonly service: string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly tokenUrl: string;
  /** What the service sends by Standard Webhooks. */
  readonly webhooks?: readonly WebhookInfo[];
}

export interface WebhookInfo {
  /** The `type` in the body. */
  readonly name: string;
  readonly summary: string;
  /** The class of `data`. */
  readonly data: Type;
}

type Json = Record<string, unknown>;

/** OpenAPI 3.1 from the routes and the class-validator classes: nothing is described twice. */
export function openApiOf(app: INestApplicationContext, info: ApiInfo): Json {
  const routes = routesOf(app);
  const schemas: Json = { Problem: problemSchema };
  const paths: Record<string, Json> = {};
  for (const route of routes) (paths[route.path.replace(/:(\w+)/g, '{$1}')] ??= {})[route.method] = operation(route, schemas);
  const webhooks = Object.fromEntries((info.webhooks ?? []).map((one) => [one.name, { post: webhook(one, schemas) }]));
  const scopes = [...new Set(routes.flatMap((route) => route.operation.scope ?? []))].sort();
  return {
    openapi: '3.1.0',
    info: {
      title: info.title,
      description: info.description,
      version: info.version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set([...routes.map((route) => tagOf(route)), ...(info.webhooks ? [webhookTag] : [])])].map((name) => ({
      name,
      description: `${name} of the ${info.service} service`,
    })),
    paths,
    ...(info.webhooks && { webhooks }),
    components: {
      schemas,
      securitySchemes: {
        token: {
          type: 'oauth2',
          description: 'OAuth 2.0 client credentials; the token names its scopes and the municipalities it may act for.',
          flows: {
            clientCredentials: {
              tokenUrl: info.tokenUrl,
              scopes: Object.fromEntries(scopes.map((scope) => [scope, `operations that need ${scope}`])),
            },
          },
        },
      },
    },
  };
}

function operation(route: Route, schemas: Json): Json {
  const { operation: options } = route;
  const key = needsKey(route);
  return {
    operationId: `${route.controller.replace(/Controller$/, '')}_${route.handler}`,
    summary: options.summary,
    ...(options.description && { description: options.description }),
    tags: [tagOf(route)],
    security: options.scope ? [{ token: [options.scope] }] : [],
    parameters: [
      ...pathParameters(route),
      ...queryParameters(route),
      ...(key ? [idempotencyKey] : []),
      ...(options.headers ?? []).map(headerParameter),
    ],
    ...requestBody(route, schemas),
    responses: responses(options, key, schemas),
  };
}

function requestBody({ body, operation: { consumes } }: Route, schemas: Json): Json {
  const content: Json = {
    ...(body && { 'application/json': { schema: named(body, schemas) } }),
    ...Object.fromEntries(Object.entries(consumes ?? {}).map(([media, file]) => [media, fileOfLines(media, file, schemas)])),
  };
  return Object.keys(content).length ? { requestBody: { required: true, content } } : {};
}

/** OpenAPI 3.1 has no word for a schema of each line; JSON Schema has one for the schema of what a string holds. */
function fileOfLines(media: string, { description, line, example }: FileInfo, schemas: Json): Json {
  return { schema: { type: 'string', description, contentMediaType: media, contentSchema: named(line, schemas) }, example };
}

function headerParameter({ name, description, isRequired, example }: HeaderInfo): Json {
  return { name, in: 'header', required: isRequired, description, schema: { type: 'string' }, example };
}

/** What is asked of the receiver: the headers and the envelope of Standard Webhooks 1.0.0. */
function webhook({ name, summary, data }: WebhookInfo, schemas: Json): Json {
  const header = (id: string, description: string, schema: Json = { type: 'string' }) => ({
    name: id,
    in: 'header',
    required: true,
    description,
    schema,
  });
  return {
    operationId: `webhook_${name.replace(/[^a-z]/g, '_')}`,
    summary,
    tags: [webhookTag],
    security: [],
    parameters: [
      header('webhook-id', 'the same whenever this event is sent: do each id once', { type: 'string', format: 'uuid' }),
      header('webhook-timestamp', 'seconds since 1970, of this attempt', { type: 'string', pattern: '^[0-9]+$' }),
      header('webhook-signature', 'one or more of `v1,<base64 of HMAC-SHA256 over id.timestamp.body>`, separated by spaces'),
    ],
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['type', 'timestamp', 'data'],
            properties: {
              type: { type: 'string', const: name },
              timestamp: { type: 'string', format: 'date-time', description: 'when it happened' },
              data: named(data, schemas),
            },
          },
        },
      },
    },
    responses: {
      '2XX': { description: 'taken' },
      410: { description: 'nothing is ever taken here again: the endpoint is disabled at once' },
      '4XX': { description: 'sent again later' },
    },
  };
}

const webhookTag = 'Webhooks';

export function needsKey(route: { readonly method: string; readonly operation: OperationOptions }): boolean {
  return route.method === 'post' && route.operation.idempotent !== false;
}

function responses(options: OperationOptions, key: boolean, schemas: Json): Json {
  const media = options.produces ?? 'application/json';
  const success = (type: Type | readonly [Type] | undefined) => ({
    description: 'done',
    ...(type
      ? { content: { [media]: { schema: isList(type) ? { type: 'array', items: named(type[0], schemas) } : named(type, schemas) } } }
      : options.produces
        ? { content: { [media]: { schema: { type: 'string' } } } }
        : {}),
  });
  const status = options.status ?? 200;
  const refusals = [
    ...(options.public ? [] : ['401 token-missing or token-invalid', '403 scope-missing or tenant-not-allowed']),
    ...(key ? ['400 idempotency-key-missing', '409 request-in-progress', '422 idempotency-key-reused'] : []),
    ...(options.problems ?? []),
  ];
  return {
    [status]: success(options.answer),
    ...Object.fromEntries(Object.entries(options.also ?? {}).map(([code, type]) => [code, success(type)])),
    '4XX': {
      description: `refused; codes: invalid-request, not-found${refusals.length ? `, ${refusals.join(', ')}` : ''}`,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  };
}

function isList(type: Type | readonly [Type]): type is readonly [Type] {
  return Array.isArray(type);
}

function pathParameters(route: Route): Json[] {
  const properties = route.params ? (jsonSchemaOf(route.params).properties as Json) : {};
  return [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: published(properties[name] ?? { type: 'string' }),
  }));
}

function queryParameters(route: Route): Json[] {
  if (!route.query) return [];
  const { properties = {}, required = [] } = jsonSchemaOf(route.query) as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: published(schema),
  }));
}

function named(type: Type, schemas: Json): Json {
  if (!isShape(type)) return { type: 'object' };
  schemas[type.name] ??= published(jsonSchemaOf(type));
  return { $ref: `#/components/schemas/${type.name}` };
}

/** Inside, formats have names of this domain; outside, those that every tool knows. */
function published(node: unknown): Json {
  const formats: Record<string, Json> = {
    instant: { format: 'date-time', description: 'RFC 3339 with offset', examples: ['2018-02-28T09:00:00+09:00'] },
    'jst-date': { format: 'date', description: 'day in Asia/Tokyo' },
    'municipality-code': { pattern: '^[0-9]{6}$', description: '全国地方公共団体コード with check digit' },
    'programme-id': { pattern: '^[0-9]{6}-[a-z0-9][a-z0-9-]{0,39}$', description: 'programme id' },
    'my-key-id': { pattern: '^[0-9A-Za-z]{8}$', description: 'マイキーID' },
  };
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const copy: Json = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, visit(inner)]));
    const { format, ...rest } = copy;
    return typeof format === 'string' && formats[format] ? { ...formats[format], ...rest } : copy;
  };
  return visit(node) as Json;
}

function tagOf(route: Route): string {
  return route.controller.replace(/Controller$/, '');
}

const idempotencyKey: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description: 'a new key for each new request; the same key with the same body gets the first answer again',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
};

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'stable; switch on this' },
    detail: { type: 'string' },
    errors: { type: 'array', items: { type: 'object', properties: { field: { type: 'string' }, reason: { type: 'string' } } } },
  },
};
