// npm test [-- vitest arguments]: everything a new machine needs, then every test. Ends with `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPeers } from './peers.mjs';
import { buildConsole, compiledIn, install, nodeBinary, root } from './prepare.mjs';

try {
  install();
  buildConsole();
  installPeers();
} catch (error) {
  console.error(`The tests could not be prepared: ${error.message}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'));
const chosen = process.argv.slice(2);
// What measures time runs after the rest, one file at a time, on a machine of its own.
const rounds =
  chosen.length > 0
    ? [chosen]
    : [
        ['--project', 'unit', '--project', 'calls'],
        ['--project', 'servers'],
        ['--project', 'peers'],
        ['--project', 'interop', '--no-file-parallelism'],
      ];
const env = { ...process.env, ...compiledIn(), PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };

function runRound(args, report) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const result = spawnSync(nodeBinary(), ['--disable-warning=ExperimentalWarning', vitest, 'run', ...reporters, ...args], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  return result.status === 0;
}

let passed = 0;
let failed = 0;
let skipped = 0;
rounds.forEach((args, index) => {
  const report = join(folder, `${index}.json`);
  const clean = runRound(args, report);
  const failedBefore = failed;
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const file of testResults) {
      // A file that failed to load has no assertions of its own.
      if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) failed++;
      for (const { status, fullName } of file.assertionResults) {
        if (status === 'passed') passed++;
        else if (status === 'failed') failed++;
        else {
          skipped++;
          console.log(`skipped: ${fullName}`);
        }
      }
    }
  } catch (error) {
    console.error(`The test runner left no report: ${error.message}`);
    failed++;
  }
  if (!clean && failed === failedBefore) failed++;
});
rmSync(folder, { recursive: true, force: true });
if (passed === 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exit(failed ? 1 : 0);
