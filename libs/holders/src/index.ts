export { findHolder, findHolderStatement, holderMigrations, linkHolders, unknownMyKeyId } from './holder-links.js';
