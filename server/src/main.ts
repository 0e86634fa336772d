/** Builds the house, starts it, stops it. Nothing imports this file. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TandemError } from '#kit/errors.ts';
import { type Kit, systemKit } from '#kit/kit.ts';
import { lockDataFolder } from '#store/data-folder.ts';
import { allVendors } from './catalog.ts';
import { type Config, describeSettings, readConfig } from './config.ts';
import { type Office, openOffice, type Undo } from './office.ts';

/** A second signal, or this long after the first, ends the process at once. */
const STOP_WITHIN_MS = 60_000;

const print = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

function welcome({ house }: Config, office: Office): void {
  const url = house.publicUrl.replace(/:0$/, `:${office.port}`);
  print('');
  print(`  Tandem answers.   ${url}${office.newKey ? `/#key=${office.newKey}` : ''}`);
  print(`  Talk to it:       ${url}/talk/demo`);
  print(`  Call it:          sip:demo@${house.host}`);
  if (office.newKey) print(`  The admin key above is shown once; it is kept in ${join(house.dataFolder, 'admin-key')}`);
  print('');
}

async function start(config: Config, kit: Kit): Promise<Office> {
  const { dataFolder } = config.house;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const lock = await lockDataFolder(dataFolder, kit.clock);
  const undo: Undo = [() => lock.release()];
  return openOffice(config, kit, undo, (error) => {
    kit.log.error({ error }, 'the call thread is gone; stopping');
    process.exit(1);
  });
}

function stopOnSignals(office: Office, kit: Kit): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    const deadline = kit.clock.after(STOP_WITHIN_MS, () => process.exit(1));
    void office.stop(signal).then(() => {
      deadline.cancel();
      process.exit(0);
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
}

async function main(): Promise<void> {
  if (process.argv.includes('--settings')) {
    for (const { env, description, value } of describeSettings(allVendors)) print(`${env}=${value}\n    ${description}`);
    return;
  }
  const config = readConfig(allVendors);
  const kit = systemKit(config.house.logLevel, { part: 'office' });
  for (const name of config.unknown) kit.log.warn({ setting: name }, 'no setting has this name');
  const office = await start(config, kit);
  stopOnSignals(office, kit);
  welcome(config, office);
}

main().catch((error: unknown) => {
  // A fault the user can mend is said in one line; anything else with its stack.
  complain(error instanceof TandemError ? error.message : error instanceof Error ? (error.stack ?? messageOf(error)) : messageOf(error));
  process.exit(1);
});
