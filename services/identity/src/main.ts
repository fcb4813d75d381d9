import { runService } from '@points/service';
import { identity } from './identity.js';

await runService(identity);
