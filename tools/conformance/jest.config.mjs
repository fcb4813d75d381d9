import preset from '../../jest.preset.mjs';

// The simulator that the kit is tested against is the build, not the source.
export default { ...preset, displayName: 'conformance', moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' } };
