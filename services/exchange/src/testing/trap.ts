import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer, type AddressInfo, type Server as TcpServer } from 'node:net';

export interface Trap {
  readonly port: number;
  readonly connections: () => number;
}

/** Servers of a test, on every address of this machine; `close` ends them all. */
export function serversOfTest() {
  const opened: (Server | TcpServer)[] = [];
  const open = async (server: Server | TcpServer): Promise<number> => {
    opened.push(server);
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    // A TCP server's address is never a pipe's name.
    return (server.address() as AddressInfo).port;
  };
  return {
    answering: (listener: RequestListener) => open(createHttpServer(listener)),
    /** Counts every connection, whatever is said on it. */
    trap: async (): Promise<Trap> => {
      let connections = 0;
      const port = await open(
        createServer((socket) => {
          connections++;
          socket.destroy();
        }),
      );
      return { port, connections: () => connections };
    },
    close: async () => {
      for (const server of opened.splice(0)) {
        if ('closeAllConnections' in server) server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

/** Each time the next one, and then the last one for ever. */
export function resolvingTo(...addresses: string[]) {
  let asked = 0;
  return {
    resolve: () => {
      const address = addresses[Math.min(asked++, addresses.length - 1)] ?? '';
      return Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);
    },
  };
}
