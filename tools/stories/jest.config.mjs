import preset from '../../jest.preset.mjs';

// The stories run the built cloud: what they import of it is the build, not the source.
export default {
  ...preset,
  displayName: 'stories',
  testTimeout: 60_000,
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};
