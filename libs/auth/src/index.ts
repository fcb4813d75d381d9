export { tokenAudience, TokenChecker, TokenRefused, type Token } from './token-checker.js';
export { mayActFor, type Caller } from './caller.js';
