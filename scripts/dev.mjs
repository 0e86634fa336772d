// npm run dev: the server restarted on every change, the console with hot reload on port 5173.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildConsole, envFiles, install, nodeBinary, root } from './prepare.mjs';

install();
buildConsole();
const children = [
  spawn(
    nodeBinary(),
    ['--watch-path=server/src', '--watch-path=contract/src', ...envFiles(), '--disable-warning=ExperimentalWarning', 'server/src/main.ts'],
    { cwd: root, stdio: 'inherit' },
  ),
  spawn(nodeBinary(), [join(root, 'node_modules/vite/bin/vite.js')], { cwd: join(root, 'web'), stdio: 'inherit' }),
];
const stop = (signal) => children.forEach((child) => child.kill(signal));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(signal));
for (const child of children)
  child.on('exit', (code) => {
    stop('SIGTERM');
    process.exitCode = code ?? 1;
  });
