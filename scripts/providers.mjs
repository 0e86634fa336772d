// npm run providers: the local speech and language providers, for trying Tandem without a key and for tests.
import { join } from 'node:path';
import { install, nodeBinary, root, run } from './prepare.mjs';

install();
run(nodeBinary(), [join(root, 'providers', 'main.ts'), ...process.argv.slice(2)], { cwd: process.cwd() });
