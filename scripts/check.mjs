// npm run check: types, lint, format, house rules, lockfile. Every part runs even when one before it failed.
import { join } from 'node:path';
import { install, nodeBinary, root, run } from './prepare.mjs';

install();
const bin = (name) => join(root, 'node_modules', '.bin', name);
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };
const parts = [
  ['types', bin('tsc'), ['-p', '.']],
  ['types of the console', bin('tsc'), ['-p', 'web']],
  ['lint', bin('oxlint'), ['--type-aware', '--quiet']],
  ['format', bin('biome'), ['format', '.']],
  ['house', bin('vitest'), ['run', '--project', 'unit', 'server/test/house.test.ts']],
  ['lockfile', nodeBinary(), ['scripts/check-lockfile.mjs']],
];
const failed = [];
for (const [name, command, args] of parts) {
  console.log(`\n— ${name}`);
  try {
    run(command, args, { env });
  } catch {
    failed.push(name);
  }
}
console.log(failed.length ? `\ncheck failed: ${failed.join(', ')}` : '\ncheck passed');
process.exit(failed.length ? 1 : 0);
