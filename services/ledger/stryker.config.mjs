/** `npm run mutate`: changes the rules one place at a time and asks whether a spec notices. Run from the repository's root. */
export default {
  testRunner: 'mocha',
  testRunnerNodeArgs: ['--disable-warning=ExperimentalWarning'],
  mochaOptions: {
    require: ['./services/ledger/mutate.setup.mjs'],
    // `properties.spec.ts` is left out: its plays go through the door's code too, and take longer than all the rest.
    spec: ['services/ledger/src/rules/*.spec.ts', 'libs/kernel/src/expiry.spec.ts'],
    ignore: ['services/ledger/src/rules/properties.spec.ts'],
  },
  coverageAnalysis: 'perTest',
  // When a lot ends is a rule of the ledger too; it lives in the kernel because other services show it.
  mutate: ['services/ledger/src/rules/*.ts', '!services/ledger/src/rules/*.spec.ts', 'libs/kernel/src/expiry.ts'],
  // What the specs need, and nothing else, is copied to the sandbox; node_modules is linked.
  ignorePatterns: [
    '**',
    '!package.json',
    '!tsconfig.base.json',
    '!libs/kernel/**',
    '!services/ledger/mutate.setup.mjs',
    '!services/ledger/package.json',
    '!services/ledger/tsconfig.json',
    '!services/ledger/src/rules/**',
    '!services/ledger/src/testing/decision-builders.ts',
    'dist',
  ],
  tempDirName: '.local/mutate',
  concurrency: 2,
  timeoutMS: 10_000,
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  htmlReporter: { fileName: 'reports/mutation/ledger-rules.html' },
  jsonReporter: { fileName: 'reports/mutation/ledger-rules.json' },
  clearTextReporter: { logTests: false, allowColor: false },
  // Below this the command fails.
  thresholds: { high: 95, low: 85, break: 85 },
};
