import { runService } from '@points/service';
import { catalog } from './index.js';

await runService(catalog);
