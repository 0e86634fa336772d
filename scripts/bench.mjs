// npm run bench -- NAME [options]: runs bench/NAME.ts; the figures are written to bench/results/NAME.json.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { install, nodeBinary, root, run } from './prepare.mjs';

const [name, ...options] = process.argv.slice(2);
const file = join(root, 'bench', `${name}.ts`);
if (!name || !existsSync(file)) {
  const names = readdirSync(join(root, 'bench'))
    .filter((entry) => entry.endsWith('.ts'))
    .map((entry) => entry.slice(0, -3));
  console.error(`usage: npm run bench -- NAME [options]; NAME is one of: ${names.join(', ')}`);
  process.exit(2);
}
install();
run(nodeBinary(), ['--disable-warning=ExperimentalWarning', file, ...options]);
