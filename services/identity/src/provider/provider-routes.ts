import type { AnyServer } from '@points/http';
import { providerRoutes, type OpenIdProvider } from './openid-provider.js';

/**
 * Hands the raw request to the OpenID Provider: it reads the body itself and answers in OAuth's own forms, so neither Nest's
 * guard nor its error filter stands before it. These routes are public by their nature.
 */
export async function mountProvider(server: AnyServer, provider: OpenIdProvider): Promise<void> {
  await server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, leaveUnread) => leaveUnread(null));
    for (const { method, path } of providerRoutes)
      scope.route({
        method,
        url: path,
        handler: async (request, reply) => {
          reply.hijack();
          await provider(request.raw, reply.raw);
        },
      });
    done();
  });
}
