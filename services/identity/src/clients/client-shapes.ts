import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IsInstant, MunicipalityPath } from '@points/http';
import { scopeForm } from '../rules/scopes.js';
import { clientIdForm } from './bootstrap-clients.js';
import { clientKinds, type ClientKind, type StoredClient } from './client.js';

/** All scopes of all services are some fifty. */
const scopesMax = 100;
/** Japan has 1,741 municipalities and 23 wards among them. */
const tenantsMax = 2_000;
export const clientsPageMax = 200;

export class ClientPath {
  @Matches(clientIdForm)
  clientId!: string;
}

export class MunicipalityClientPath extends MunicipalityPath {
  @Matches(clientIdForm)
  clientId!: string;
}

export class PutClient {
  @IsString()
  @Length(1, 100)
  name!: string;

  @IsIn([...clientKinds])
  kind!: ClientKind;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(scopesMax)
  @ArrayUnique()
  @Matches(scopeForm, { each: true })
  scopes!: string[];

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(tenantsMax)
  @ArrayUnique()
  @Matches(/^([0-9]{6}|\*)$/, { each: true })
  tenants!: string[];
}

export class CreateMunicipalityClient {
  /** Begins with the municipality's code and a hyphen. */
  @Matches(/^[0-9]{6}-[a-z0-9][a-z0-9._-]{0,56}$/)
  clientId!: string;

  @IsString()
  @Length(1, 100)
  name!: string;

  @IsIn(['partner', 'municipality', 'merchant', 'tool'])
  kind!: Exclude<ClientKind, 'operator'>;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(scopesMax)
  @ArrayUnique()
  @Matches(scopeForm, { each: true })
  scopes!: string[];
}

export class ClientsQuery {
  /** The last clientId of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(clientsPageMax)
  limit?: number;
}

export class ClientView {
  @IsString()
  clientId!: string;

  @IsString()
  name!: string;

  @IsIn([...clientKinds])
  kind!: ClientKind;

  @IsArray()
  @IsString({ each: true })
  scopes!: string[];

  @IsArray()
  @IsString({ each: true })
  tenants!: string[];
}

export class NewClientView extends ClientView {
  /** Answered once and stored nowhere: whoever loses it rotates. A repeated request does not get it again. */
  @IsOptional()
  @IsString()
  secret?: string;
}

export class ListedClientView extends ClientView {
  @IsInstant()
  createdAt!: string;

  @IsOptional()
  @IsInstant()
  revokedAt?: string;
}

export class ClientsView {
  @ValidateNested({ each: true })
  @Type(() => ListedClientView)
  clients!: ListedClientView[];
}

export class RotatedSecretView {
  @IsString()
  clientId!: string;

  /** As in NewClientView: answered once. */
  @IsOptional()
  @IsString()
  secret?: string;

  /** Until then the secret before this one is good too. */
  @IsInstant()
  previousValidUntil!: string;
}

export function listedClient(client: StoredClient): ListedClientView {
  const { clientId, name, kind, scopes, tenants, createdAt, revokedAt } = client;
  return {
    clientId,
    name,
    kind,
    scopes: [...scopes],
    tenants: [...tenants],
    createdAt: createdAt.toISOString(),
    ...(revokedAt && { revokedAt: revokedAt.toISOString() }),
  };
}
