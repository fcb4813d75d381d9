/* global fetch, AbortSignal */
// Ready means more than alive: database, broker and consumer of the service were just asked.
const { status } = await fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`, { signal: AbortSignal.timeout(4_000) });
process.exit(status === 200 ? 0 : 1);
