// The real supervisor over two small services, a simulator and a command that fails: what supervise.api.spec.ts starts and kills.
import { runCloud } from '../run-cloud.js';

const script = 'deploy/local/dist/rehearsal/small-service.js';
await runCloud({
  services: [
    { name: 'identity', portOffset: 1, script },
    { name: 'ledger', portOffset: 3, script },
  ],
  simulators: [{ name: 'card-scheme', title: 'simulator', portOffset: 10, script }],
  afterReady: [{ title: 'the sample', script: 'deploy/local/dist/rehearsal/failing-command.js', args: [] }],
});
