import { runService } from '@points/service';
import { exchange } from './exchange.js';

await runService(exchange);
