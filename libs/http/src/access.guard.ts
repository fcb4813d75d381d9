import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { mayActFor, TokenChecker, TokenRefused, type Caller } from '@points/auth';
import { isMunicipalityCode, isProgrammeId, tenantOf } from '@points/kernel';
import type { FastifyRequest } from 'fastify';
import { keyHelp } from './once.js';
import { operationOf } from './operation.js';
import { Problem, problem } from './problem.js';

/** Token, scope, tenant and Idempotency-Key, in this order, before any handler. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly tokens: TokenChecker) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const operation = operationOf(context.getHandler());
    if (!operation) throw problem(404, 'not-found', 'there is nothing at this address; see /docs');
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (operation.scope) {
      const caller = await this.callerOf(request);
      if (!caller.scopes.has(operation.scope))
        throw problem(403, 'scope-missing', `this needs a token with the scope ${operation.scope}`, { scope: operation.scope });
      if (operation.platform) {
        if (!caller.tenants.has('*')) throw problem(403, 'tenant-not-allowed', 'this is for operators of the whole platform');
      } else checkTenant(caller, request.params as { municipality?: string; programme?: string });
      request.caller = caller;
    }
    if (request.method === 'POST' && operation.idempotent !== false) checkKey(request.headers['idempotency-key']);
    return true;
  }

  private async callerOf(request: FastifyRequest): Promise<Caller> {
    const { authorization } = request.headers;
    const bearer = authorization && /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization)?.[1];
    if (!bearer) throw new Problem(401, 'token-missing', 'send Authorization: Bearer <access token>', {}, { 'www-authenticate': 'Bearer' });
    try {
      return await this.tokens.check(bearer);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      if (error.kind === 'unavailable') throw new Problem(503, 'temporarily-unavailable', error.message, {}, { 'retry-after': '1' });
      throw new Problem(401, 'token-invalid', error.message, {}, { 'www-authenticate': 'Bearer error="invalid_token"' });
    }
  }
}

function checkTenant(caller: Caller, params: { municipality?: string; programme?: string }): void {
  const { municipality = '', programme } = params;
  if (!isMunicipalityCode(municipality)) throw problem(404, 'not-found', 'the path names no municipality code with a right check digit');
  if (!mayActFor(caller, municipality)) throw problem(403, 'tenant-not-allowed', 'the token is not for this municipality');
  if (programme !== undefined && isProgrammeId(programme) && tenantOf(programme) !== municipality)
    throw problem(404, 'unknown-programme', 'this municipality has no such programme');
}

function checkKey(key: string | string[] | undefined): void {
  if (typeof key !== 'string' || key === '') throw problem(400, 'idempotency-key-missing', keyHelp);
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw problem(400, 'idempotency-key-malformed', keyHelp);
}
