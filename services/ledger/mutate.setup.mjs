// Lets mocha run the specs of the rules as they are. One process runs all of them again and again in milliseconds, where jest builds
// its modules anew for every mutant: 17 of 1,172 mutants in two and a half minutes on two busy cores. Node strips the types.
import { registerHooks } from 'node:module';
import { expect } from 'expect';
import fc from 'fast-check';
import { bind } from 'jest-each';

const kernel = new URL('../../libs/kernel/src/index.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === '@points/kernel') return next(kernel, context);
    // As in jest.preset.mjs: an import of `./lots.js` means the source beside it.
    const isOurs = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

globalThis.expect = expect;

// The properties draw the same values in every run, so that two runs find the same mutants; that one fails is all that is asked.
fc.configureGlobal({ seed: 20_180_601, endOnFailure: true });

/** Mocha sets `it` before it reads a spec; what is missing there is jest's `it.each`. */
let it;
Object.defineProperty(globalThis, 'it', {
  configurable: true,
  get: () => it,
  set(value) {
    value.each = bind(value, false);
    it = value;
  },
});
