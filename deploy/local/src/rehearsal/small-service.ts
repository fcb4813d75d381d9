// A service as the supervisor sees one: serves its health, ends on TERM, and falls over when told to.
import { createServer } from 'node:http';

const { PORT, REFUSING_PORT, DATABASE_URL, KAFKA_BROKERS, TOKEN_JWKS_URL } = process.env;
if (REFUSING_PORT && REFUSING_PORT === PORT) {
  process.stderr.write('config: DATABASE_URL: is missing\n');
  process.exit(78);
}
createServer((request, response) => {
  if (request.url === '/crash') {
    console.log(JSON.stringify({ level: 'fatal', msg: 'told to fall over' }));
    process.exit(1);
  }
  response
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify({ pid: process.pid, DATABASE_URL, KAFKA_BROKERS, TOKEN_JWKS_URL }));
}).listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
