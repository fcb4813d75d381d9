// The real supervisor over stub services.
import { runCloud } from '../run-cloud.js';

const script = 'deploy/local/dist/stubs/stub-service.js';
await runCloud({
  services: [
    { name: 'identity', portOffset: 1, script },
    { name: 'ledger', portOffset: 3, script },
  ],
  simulators: [{ name: 'card-scheme', title: 'simulator', portOffset: 10, script }],
  afterReady: [{ title: 'the sample', script: 'deploy/local/dist/stubs/stub-command.js', args: [] }],
});
