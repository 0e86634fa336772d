import { defineConfig } from 'vitest/config';

/** Whole servers without a stopwatch in their assertions: two at a time. */
const patient = ['server/test/interop/{crash,database-down,direct-call,providers,strangers,trunks}.test.ts', 'web/test/**/*.test.ts'];

/**
 * One project per kind of test: `unit` beside the code, `calls` whole calls on the virtual clock, `servers` whole servers,
 * `interop` real peers that measure, one file at a time.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    isolate: false,
    passWithNoTests: true,
    // Whole servers and databases start in some of them, on two shared cores.
    testTimeout: 30_000,
    hookTimeout: 60_000,
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
      { extends: true, test: { name: 'servers', include: patient, testTimeout: 90_000, hookTimeout: 90_000, maxWorkers: 2 } },
      {
        extends: true,
        test: {
          name: 'interop',
          include: ['server/test/interop/**/*.test.ts', 'server/test/load/hostile.test.ts'],
          exclude: patient,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
