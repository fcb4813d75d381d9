export { startCardScheme, type CardScheme, type CardSchemeOptions, type Control, type Credited } from './card-scheme.js';
