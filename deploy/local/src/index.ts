export { cloud, portOffsets, type CloudDefinition } from './cloud.js';
export { cloudFilePath, type CloudFile } from './cloud-file.js';
export { readSettings, type Settings } from './settings.js';
export { supervise, type Cloud } from './supervise.js';
export { startFreshCloud, type FreshCloud } from './fresh-cloud.js';
export { demoMunicipality, everyScope } from './clients.js';
export { hideKnownWarning } from './run-cloud.js';
