import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Whole servers that mostly wait for each other, without a stopwatch in their assertions: three at a time. */
const patient = [
  'server/test/interop/{crash,database-down,direct-call,fleet,knowledge,provider-failures,providers,replay,simulate-sip,strangers,timeline-page}.test.ts',
  'web/test/**/*.test.ts',
];
/** Phones, browsers and callers of all kinds on calls that mostly wait: three at a time. */
const peers = ['server/test/interop/{baresip,browser,human-speech,load,sipp-calls,twilio}.test.ts'];

/**
 * One project per kind of test: `unit` beside the code, `calls` whole calls on the virtual clock, `servers` whole servers,
 * `peers` calls with real phones and browsers, `interop` what measures time, one file at a time.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    isolate: false,
    // They wait for files, databases and children as often as they compute; one less than the cores is too few.
    maxWorkers: 2,
    passWithNoTests: true,
    // Whole servers and databases start in some of them, on two shared cores.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Some sixty servers are started: each finds the code that those before it compiled.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), `tandem-test-${userInfo().uid}`, 'compiled') },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'contract/src/**/*.test.ts',
            'server/src/**/*.test.ts',
            'server/test/*.test.ts',
            'web/src/**/*.test.ts',
            'providers/*.test.ts',
          ],
        },
      },
      { extends: true, test: { name: 'calls', include: ['server/test/calls/**/*.test.ts', 'server/test/load/churn.test.ts'] } },
      { extends: true, test: { name: 'servers', include: patient, testTimeout: 90_000, hookTimeout: 90_000, maxWorkers: 3 } },
      { extends: true, test: { name: 'peers', include: peers, testTimeout: 90_000, hookTimeout: 90_000, maxWorkers: 3 } },
      {
        extends: true,
        test: {
          name: 'interop',
          include: ['server/test/interop/**/*.test.ts', 'server/test/load/hostile.test.ts'],
          exclude: [...patient, ...peers],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
