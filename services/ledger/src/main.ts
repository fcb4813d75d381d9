import { runService } from '@points/service';
import { ledger } from './ledger.js';

await runService(ledger);
