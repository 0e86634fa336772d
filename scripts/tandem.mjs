#!/usr/bin/env node
// npx tandem COMMAND: the command line. Runs on the machine's Node and starts the one that the install brought.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { envFiles, install, nodeBinary, root } from './prepare.mjs';

const [command, ...rest] = process.argv.slice(2);
const commands = {
  start: { does: 'start the call centre (the same as npm start)', run: () => node('scripts/start.mjs', ...rest) },
  simulate: { does: 'play scenarios against the engine or a running server', run: () => ask('simulate') },
  replay: { does: 'take the decisions of a call again, or fork it', run: () => ask('replay') },
  explain: { does: 'say which turns of a call were bad, and why', run: () => ask('explain') },
  load: { does: 'call a server many times at once and measure', run: () => ask('load') },
  settings: { does: 'list every setting, what it does and its value', run: () => node('server/src/main.ts', '--settings') },
};

const ask = (name) => node('server/src/command-line.ts', name, process.cwd(), ...rest);

function node(file, ...args) {
  install();
  const flags = [...envFiles(), '--disable-warning=ExperimentalWarning'];
  return spawnSync(nodeBinary(), [...flags, join(root, file), ...args], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

if (!command || !(command in commands)) {
  console.log('usage: npx tandem COMMAND\n');
  for (const [name, { does }] of Object.entries(commands)) console.log(`  ${name.padEnd(10)} ${does}`);
  process.exit(command && command !== 'help' ? 2 : 0);
}
process.exit(commands[command].run());
