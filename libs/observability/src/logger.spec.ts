import { continueTrace, createLogger, currentTraceparent, inSpan, startTracing, traceIdOf } from './index.js';

function lines() {
  const written: string[] = [];
  return { destination: { write: (line: string) => void written.push(line) }, read: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('a log line', () => {
  let stop: () => Promise<void>;
  beforeAll(() => {
    stop = startTracing('test');
  });
  afterAll(() => stop());

  it('is JSON with the service, and no secret', () => {
    const { destination, read } = lines();

    createLogger('ledger', 'info', destination).info({ password: 'hunter2', request: { authorization: 'Bearer x' } }, 'said');

    expect(read()).toEqual([expect.objectContaining({ level: 'info', service: 'ledger', msg: 'said', password: '[Redacted]', request: { authorization: '[Redacted]' } })]);
  });

  it('carries the trace of the caller, which goes on to the next', async () => {
    const { destination, read } = lines();
    const log = createLogger('ledger', 'info', destination);
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

    const next = await inSpan('work', { parent: continueTrace(`00-${traceId}-00f067aa0ba902b7-01`) }, () => {
      log.info('inside');
      return Promise.resolve(currentTraceparent());
    });

    expect(read()[0]?.traceId).toBe(traceId);
    expect(next).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(next).not.toContain('00f067aa0ba902b7');
  });

  it('about one event of a batch carries the trace of that event', async () => {
    const { destination, read } = lines();
    const log = createLogger('ledger', 'info', destination);
    const [batch, own] = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'];

    await inSpan('batch', { parent: continueTrace(`00-${batch}-00f067aa0ba902b7-01`) }, () => {
      log.info({ ...traceIdOf(`00-${own}-b7ad6b7169203331-01`) }, 'one of many');
      return Promise.resolve();
    });

    expect(read()[0]).toMatchObject({ traceId: own, spanId: 'b7ad6b7169203331' });
    expect(traceIdOf('nonsense')).toEqual({});
  });
});
