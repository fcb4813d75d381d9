// oidc-provider publishes no types. This is the part of its documented interface that this service uses.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface OidcClient {
    readonly clientId: string;
  }

  export interface OidcContext {
    readonly path: string;
    body: unknown;
    readonly oidc?: {
      readonly route: string;
      readonly client?: OidcClient;
      readonly params?: Record<string, string | undefined>;
    };
  }

  /** An error that the client is told about (RFC 6749 §5.2); `error_detail` is for the log only. */
  export interface OAuthError extends Error {
    readonly error: string;
    readonly error_description?: string;
    readonly error_detail?: string;
  }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    /** Koa: believe X-Forwarded-Host and -Proto. */
    proxy: boolean;
    readonly Client: { readonly prototype: { compareClientSecret(secret: string): boolean | Promise<boolean> } };
    use(middleware: (context: OidcContext, next: () => Promise<void>) => Promise<void>): this;
    on(event: 'grant.success', listener: (context: OidcContext) => void): this;
    on(event: 'grant.error' | 'server_error', listener: (context: OidcContext, error: OAuthError) => void): this;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  }

  export const errors: {
    readonly InvalidScope: new (description: string, scope: string) => OAuthError;
    readonly InvalidTarget: new () => OAuthError;
  };
}
