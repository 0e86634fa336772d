/** Builds the house, starts it, stops it. Nothing imports this file. */
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TandemError } from '#kit/errors.ts';
import { growHeapsFreely } from '#kit/heap-growth.ts';
import { type Kit, systemKit } from '#kit/kit.ts';
import { lockDataFolder } from '#store/data-folder.ts';
import { allVendors } from './catalog.ts';
import { type Config, describeSettings, readConfig } from './config.ts';
import { type Office, openOffice, type Undo } from './office.ts';

/** A second signal, or this long after the first, ends the process at once. */
const STOP_WITHIN_MS = 60_000;

const print = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

function welcome({ house, vendors }: Config, office: Office): void {
  const url = house.publicUrl.replace(/:0$/, `:${office.port}`);
  const { host, publicHost, port } = { host: house.host, publicHost: undefined, port: 5060, ...vendors.sip };
  print('');
  print(`  Tandem answers.   ${url}/${office.newKey ? `#key=${office.newKey}` : ''}`);
  if (house.seed === 'demo') {
    print(`  Talk to it:       ${url}/talk/demo`);
    print(`  Call it:          sip:demo@${publicHost ?? host}${port === 5060 ? '' : `:${port}`}`);
  }
  if (office.newKey) print(`  The key in the link is shown once; it is kept in ${join(house.dataFolder, 'admin-key')}`);
  print('');
}

/** The folder of everything we keep, for this user only. Rejects with `setting-invalid` where it cannot be made. */
async function makeDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    throw new TandemError('setting-invalid', `The data folder ${folder} cannot be written (${why}); set TANDEM_DATA to another one`);
  }
}

async function start(config: Config, kit: Kit): Promise<Office> {
  const { dataFolder } = config.house;
  await makeDataFolder(dataFolder);
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
  growHeapsFreely();
  const config = readConfig(allVendors);
  const kit = systemKit(config.house.logLevel, { part: 'office' });
  for (const name of config.unknown) kit.log.warn({ setting: name }, 'no setting has this name');
  const office = await start(config, kit);
  stopOnSignals(office, kit);
  welcome(config, office);
}

main().catch((error: unknown) => {
  // A fault the user can mend is said in one line; anything else with its stack.
  const stack = error instanceof Error ? error.stack : undefined;
  complain(error instanceof TandemError && error.code !== 'internal-error' ? error.message : (stack ?? messageOf(error)));
  process.exit(1);
});
