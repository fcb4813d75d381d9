import { ServiceConfig } from '@points/service';
import { IsOptional, Matches, ValidateBy } from 'class-validator';
import { parseBootstrapClients } from './clients/bootstrap-clients.js';
import { parseSigningKeys } from './provider/signing-keys.js';

export class IdentityConfig extends ServiceConfig {
  /** Private JWK set for ES256; usually given as `JWKS_FILE`. */
  @ParsedBy(parseSigningKeys)
  JWKS!: string;

  /** Clients that exist from the first start on; usually given as `BOOTSTRAP_CLIENTS_FILE`. */
  @IsOptional()
  @ParsedBy(parseBootstrapClients)
  BOOTSTRAP_CLIENTS?: string;

  /** The address of this service as its callers see it. */
  @Matches(/^https?:\/\/[^\s/]+$/, { message: 'must be an http(s) URL without a path: the OpenID Provider lives at its root' })
  override TOKEN_ISSUER!: string;
}

/** The parser says what is wrong, and never repeats the text: it holds secrets. */
function ParsedBy(parse: (text: string) => unknown): PropertyDecorator {
  const problemOf = (text: unknown) => {
    try {
      parse(String(text));
      return undefined;
    } catch (error) {
      return error instanceof RangeError ? error.message : 'cannot be read';
    }
  };
  return ValidateBy({
    name: 'parsed',
    validator: { validate: (text) => problemOf(text) === undefined, defaultMessage: (args) => problemOf(args?.value) ?? '' },
  });
}
