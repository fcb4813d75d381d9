import { cloud } from './cloud.js';
import { runCloud } from './run-cloud.js';

await runCloud(cloud);
