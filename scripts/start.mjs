// npm start: everything a new machine needs, then the call centre.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildConsole, compiledIn, envFiles, install, nodeBinary, root } from './prepare.mjs';

try {
  install();
  buildConsole();
} catch (error) {
  console.error(`Tandem could not be prepared: ${error.message}`);
  process.exit(error.status ?? 1);
}
const server = spawn(
  nodeBinary(),
  [...envFiles(), '--disable-warning=ExperimentalWarning', join(root, 'server/src/main.ts'), ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...compiledIn() } },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
