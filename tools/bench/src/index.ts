export { measurePos, type PosOptions, type PosReport } from './pos.js';
