import { Body, Controller, Get, Inject, Module, Param, Post, Put } from '@nestjs/common';
import { Database, tenants, tenantTable } from '@points/database';
import {
  answer,
  CauseOf,
  httpMigrations,
  MunicipalityPath,
  once,
  openApiOf,
  Operation,
  problem,
  routesOf,
  type Answer,
  type Cause,
} from '@points/http';
import { messagingMigrations } from '@points/messaging';
import { ServiceConfig } from '@points/service';
import { lintFromString, createConfig } from '@redocly/openapi-core';
import { IsPoints } from '@points/http';
import { IsString, MaxLength } from 'class-validator';
import { call, testService, type TestService } from './index.js';

class WriteNote {
  @IsString()
  @MaxLength(20)
  text!: string;

  @IsPoints()
  amount!: number;
}

@Controller('v1/municipalities/:municipality/notes')
class NotesController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Get()
  @Operation({ summary: 'Count the notes', scope: 'notes:read' })
  async count(@Param() path: MunicipalityPath): Promise<{ notes: number }> {
    const [row] = await this.database.transaction(tenants(path.municipality), (tx) =>
      tx.query<{ notes: number }>('select count(*)::int as notes from note'),
    );
    return { notes: row?.notes ?? 0 };
  }

  @Post()
  @Operation({ summary: 'Write a note', scope: 'notes:write', status: 201, answer: WriteNote })
  write(@Param() path: MunicipalityPath, @Body() body: WriteNote, @CauseOf() cause: Cause): Promise<Answer<WriteNote>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        await tx.write('insert into note (tenant, text) values ($1, $2)', [path.municipality, body.text]);
        if (body.text === 'refuse me') throw problem(422, 'refused-note', 'this note is refused');
        if (body.text === 'break me') throw new Error('secret detail of the inside');
        return answer(201, body);
      }),
    );
  }
}

@Controller('v1/platform/things')
class PlatformController {
  @Put()
  @Operation({ summary: 'For operators', scope: 'things:write', platform: true })
  put(): { done: true } {
    return { done: true };
  }
}

@Module({ controllers: [NotesController, PlatformController] })
class NotesModule {}

const definition = {
  name: 'catalog',
  title: 'Notes',
  description: 'A service of the frame alone.',
  module: NotesModule,
  config: ServiceConfig,
  migrations: [
    ...messagingMigrations,
    ...httpMigrations,
    {
      name: 'CreateNote1763856000001',
      up: `create table note (tenant text not null, text text not null); ${tenantTable('note')} grant select, insert on note to {app};`,
    },
  ],
  reads: [],
};
const [kawasaki, tamana] = ['141305', '432067'];

describe('every service', () => {
  let service: TestService;
  let notes: string;
  let token: string;
  beforeAll(async () => {
    service = await testService(definition);
    notes = `${service.url}/v1/municipalities/${kawasaki}/notes`;
    token = await service.token(['notes:read', 'notes:write'], [kawasaki]);
  });
  afterAll(() => service?.close());

  const good = { text: 'hello', amount: 5 };

  it('answers a good request, and a repeated key with the same answer', async () => {
    const key = 'a-key';
    const first = await call(notes, { token, body: good, key });
    const again = await call(notes, { token, body: good, key });

    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await call(notes, { token })).body).toEqual({ notes: 1 });
  });

  it.each([
    ['no token', () => call(notes, { body: good }), 401, 'token-missing'],
    ['a token that is none', () => call(notes, { token: 'abc', body: good }), 401, 'token-invalid'],
    [
      'a token without the scope',
      async () => call(notes, { token: await service.token(['other'], [kawasaki]), body: good }),
      403,
      'scope-missing',
    ],
    [
      'a token of another municipality',
      async () => call(notes, { token: await service.token(['notes:write'], [tamana]), body: good }),
      403,
      'tenant-not-allowed',
    ],
    [
      'a municipality on an operator’s route',
      async () => call(`${service.url}/v1/platform/things`, { method: 'PUT', token: await service.token(['things:write'], [kawasaki]) }),
      403,
      'tenant-not-allowed',
    ],
    ['a municipality that does not exist', () => call(notes.replace(kawasaki, '141306'), { token, body: good }), 404, 'not-found'],
    ['no Idempotency-Key', () => call(notes, { token, body: good, key: '' }), 400, 'idempotency-key-missing'],
    ['a malformed Idempotency-Key', () => call(notes, { token, body: good, key: 'with space' }), 400, 'idempotency-key-malformed'],
    ['broken JSON', () => call(notes, { token, body: '{"text":' }), 400, 'malformed-request'],
    ['no JSON at all', () => call(notes, { token, body: 'text', headers: { 'content-type': 'text/csv' } }), 415, 'unsupported-media-type'],
    ['an empty body', () => call(notes, { method: 'POST', token }), 422, 'invalid-request'],
    ['a wrong field', () => call(notes, { token, body: { text: 'x', amount: -1 } }), 422, 'invalid-request'],
    ['an unknown field', () => call(notes, { token, body: { ...good, extra: true } }), 422, 'invalid-request'],
    ['a body too large', () => call(notes, { token, body: { ...good, text: 'x'.repeat(1_100_000) } }), 413, 'body-too-large'],
    ['an unknown address', () => call(`${service.url}/nowhere`, { token }), 404, 'not-found'],
    ['an unknown method', () => call(notes, { method: 'DELETE', token }), 404, 'not-found'],
    ['a refusal of the use case', () => call(notes, { token, body: { ...good, text: 'refuse me' } }), 422, 'refused-note'],
  ])('answers %s as problem+json with its code', async (_, ask, status, code) => {
    const { headers, body, ...answered } = await ask();

    expect([answered.status, body.code]).toEqual([status, code]);
    expect(headers.get('content-type')).toMatch('application/problem+json');
    expect(body).toMatchObject({
      type: `urn:municipal-points:problem:${code}`,
      status,
      title: expect.any(String) as string,
      detail: expect.any(String) as string,
    });
  });

  it('names every wrong field and what would be right', async () => {
    const { body } = await call(notes, { token, body: { text: 5, amount: 1.5, other: 1 } });

    expect(body.errors).toEqual([
      { field: 'other', reason: 'is not a known field' },
      { field: 'text', reason: 'must be string' },
      { field: 'amount', reason: 'must be integer' },
    ]);
  });

  it('says nothing of its inside when something breaks', async () => {
    const { status, body } = await call(notes, { token, body: { ...good, text: 'break me' } });

    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toMatch(/secret|inside/);
  });

  it('refuses the same key with another body', async () => {
    await call(notes, { token, body: good, key: 'reused' });

    expect((await call(notes, { token, body: { ...good, amount: 6 }, key: 'reused' })).body.code).toBe('idempotency-key-reused');
  });

  it('tells the truth about its parts', async () => {
    expect(await call(`${service.url}/health/live`)).toMatchObject({ status: 200, body: { status: 'live' } });
    expect(await call(`${service.url}/health/ready`)).toMatchObject({
      status: 200,
      body: { status: 'ready', database: true, broker: true, consumer: 'running' },
    });
  });

  it('shows its measurements', async () => {
    await call(notes, { token });

    const { body } = await call<{ text: string }>(`${service.url}/metrics`);

    expect(body.text).toMatch(/points_http_request_seconds_count\{.*route="\/v1\/municipalities\/:municipality\/notes"/);
  });

  it('publishes an OpenAPI 3.1 document that a public linter accepts', async () => {
    const { body } = await call(`${service.url}/openapi.json`);
    const config = await createConfig({
      extends: ['spec', 'recommended'],
      rules: { 'no-server-example.com': 'off', 'operation-4xx-response': 'error', 'info-license': 'error' },
    });

    const found = await lintFromString({ source: JSON.stringify(body), config });

    expect(found.map((one) => `${one.severity} ${one.ruleId} ${one.message} ${JSON.stringify(one.location[0]?.pointer)}`)).toEqual([]);
    expect(body.openapi).toBe('3.1.0');
    expect(
      openApiOf(service.app, { service: 'catalog', title: 't', description: 'd', version: '1', tokenUrl: 'http://x/token' }).components,
    ).toHaveProperty('schemas.WriteNote');
  });

  it('lists its public routes, and guards all others', () => {
    const open = routesOf(service.app).filter((route) => route.operation.public);

    expect(open.map((route) => route.path)).toEqual(['/health/live', '/health/ready', '/metrics']);
  });
});

describe('a route without @Operation', () => {
  @Controller('v1/municipalities/:municipality/forgotten')
  class ForgottenController {
    @Get()
    read(): string {
      return 'open to all';
    }
  }
  @Module({ controllers: [ForgottenController] })
  class ForgottenModule {}

  it('keeps the service from starting', async () => {
    await expect(testService({ ...definition, module: ForgottenModule })).rejects.toThrow('ForgottenController.read has no @Operation');
  });
});
