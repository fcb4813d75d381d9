import { runService } from '@points/service';
import { settlement } from './settlement.js';

await runService(settlement);
