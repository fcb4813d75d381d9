import 'reflect-metadata';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';

const databaseUrl = /^postgres(ql)?:\/\/\S+$/;
const httpUrl = /^https?:\/\/\S+$/;

/** What a command on a service's database needs. */
export class DatabaseConfig {
  /** Connects as the service's own role. */
  @Matches(databaseUrl, { message: 'must be a URL of the form postgres://role:password@host:port/database' })
  DATABASE_URL!: string;
}

/** What every service reads from the environment. A service with more keys extends this class. `K_FILE` names a file for any key. */
export class ServiceConfig extends DatabaseConfig {
  @Type(() => Number)
  @IsInt({ message: 'must be a port number' })
  @Min(0, { message: 'must be a port number' })
  @Max(65535, { message: 'must be a port number' })
  PORT!: number;

  /** Loopback unless told. */
  @IsString()
  HOST = '127.0.0.1';

  /** Connects as the role that owns the schema. When given, the service brings its schema up to date before it serves. */
  @IsOptional()
  @Matches(databaseUrl, { message: 'must be a URL of the form postgres://role:password@host:port/database' })
  MIGRATION_DATABASE_URL?: string;

  @Matches(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, { message: 'must be host:port, several separated by commas' })
  KAFKA_BROKERS!: string;

  @IsOptional()
  @Matches(/^[a-zA-Z0-9._-]*$/, { message: 'may hold letters, digits, dot, underscore and hyphen' })
  TOPIC_PREFIX = '';

  @Matches(httpUrl, { message: 'must be the http(s) URL of the identity service' })
  TOKEN_ISSUER!: string;

  @Matches(httpUrl, { message: 'must be the http(s) URL of the published keys' })
  TOKEN_JWKS_URL!: string;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  DATABASE_POOL_MAX = 10;

  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
  LOG_LEVEL = 'info';

  @IsOptional()
  @Matches(httpUrl, { message: 'must be the http(s) URL of an OTLP collector' })
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;
}
