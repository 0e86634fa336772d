/**
 * `npx tandem COMMAND`, beside `start`: hands each command the house's settings and rooms. A command says how it went by
 * its exit code; a fault is one sentence with its code, never a stack.
 */
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { InstalledModels } from '#calls/installed-models.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import { systemKit } from '#kit/kit.ts';
import type { Command, Workshop } from '#simulate/commands/command.ts';
import { explain } from '#simulate/commands/explain.ts';
import { load } from '#simulate/commands/load.ts';
import { replay } from '#simulate/commands/replay.ts';
import { simulate } from '#simulate/commands/simulate.ts';
import { allVendors } from './catalog.ts';
import { type Config, readConfig } from './config.ts';
import { closeModels, installModels } from './install-models.ts';
import { simulationRooms } from './simulation.ts';

const commands: readonly Command[] = [simulate, replay, explain, load];

const print = (line: string) => void process.stdout.write(`${line}\n`);
const tell = (line: string) => void process.stderr.write(`${line}\n`);

async function keyOf({ house }: Config): Promise<string | undefined> {
  if (house.adminKey) return house.adminKey;
  const kept = await readFile(join(house.dataFolder, 'admin-key'), 'utf8').catch(() => undefined);
  return kept?.trim() || undefined;
}

async function run(command: Command, folder: string, args: readonly string[]): Promise<number> {
  const config = readConfig(allVendors);
  // What a command says is its output; the parts it uses only speak up when something is wrong.
  const kit = systemKit(config.house.logLevel === 'info' ? 'warn' : config.house.logLevel, { part: command.name });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let models: Promise<InstalledModels> | undefined;
  const workshop: Workshop = {
    kit,
    folder,
    dataFolder: config.house.dataFolder,
    serverUrl: config.house.publicUrl,
    apiKey: () => keyOf(config),
    models: () => (models ??= installModels(config.vendors, kit)),
    rooms: simulationRooms,
    print,
    tell,
    signal: stop.signal,
  };
  try {
    return await command.run(args, workshop);
  } finally {
    if (models) await closeModels(await models);
  }
}

// scripts/tandem.mjs runs this file in the repository; the person may have been anywhere.
const [name, folder = process.cwd(), ...args] = process.argv.slice(2);
const command = commands.find((one) => one.name === name);
if (!command) {
  for (const { name: known, does } of commands) print(`  ${known.padEnd(10)} ${does}`);
  process.exit(2);
}
if (args.includes('--help') || args.includes('-h')) {
  print(command.usage);
  process.exit(0);
}
run(command, folder, args).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const stopped = (error as Error).name === 'AbortError';
    if (!stopped) tell(error instanceof TandemError ? `${error.code}: ${error.message}` : `${command.name} failed: ${messageOf(error)}`);
    process.exit(stopped ? 128 + constants.signals.SIGINT : error instanceof TandemError ? 2 : 1);
  },
);
