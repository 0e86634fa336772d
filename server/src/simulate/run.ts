/** Plays scenarios: one ({@link runScenario}), or many side by side within bounds ({@link runAll}). */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TandemError } from '#kit/errors.ts';
import { businessOf } from './business.ts';
import type { SimulatedCall } from './outcome.ts';
import type { PreparedRun, RunOptions } from './prepared-run.ts';
import { wavSound } from './recorded-sound.ts';
import type { SimulationRooms } from './rooms.ts';
import { runText } from './run-text.ts';
import { runVirtual } from './run-virtual.ts';
import type { Scenario } from './scenario.ts';
import { SpokenVoice } from './spoken-voice.ts';
import { SoundBank } from './virtual/sound-bank.ts';
import { SpeechStore } from './virtual/voice.ts';

export type { RunOptions } from './prepared-run.ts';

/** What calls of one process share: speech that is made once. */
const shared = new WeakMap<SimulationRooms, { bank: SoundBank; store: SpeechStore }>();

function sharedBy(rooms: SimulationRooms): { bank: SoundBank; store: SpeechStore } {
  let parts = shared.get(rooms);
  if (!parts) {
    const bank = new SoundBank(rooms);
    parts = { bank, store: new SpeechStore(bank) };
    shared.set(rooms, parts);
  }
  return parts;
}

/**
 * Plays a scenario once. What goes wrong in the call is in its events; what goes wrong with the simulation (nobody answers, a
 * step that can never come) is its `fault`. Rejects only with `invalid-input` (a file that the scenario names is not there or no sound)
 * and with the signal's reason.
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<SimulatedCall> {
  options.signal?.throwIfAborted();
  const run = options.run ?? 0;
  const folder = options.folder ?? '.';
  const voice =
    scenario.voice === 'flite' && options.level !== 'text' ? new SpokenVoice(await options.rooms.spokenVoice(options.kit)) : undefined;
  try {
    const prepared: PreparedRun = {
      ...options,
      ...sharedBy(options.rooms),
      scenario,
      run,
      seed: (options.seed ?? scenario.seed) + run,
      sound: options.sound ?? true,
      business: options.business ?? (await businessOf(scenario, (path) => textOf(folder, path))),
      files: { sound: async (path) => wavSound(await bytesOf(folder, path), path) },
      ...(voice ? { speak: (text: string) => voice.speak(text) } : {}),
    };
    return await (options.level === 'text' ? runText(prepared) : runVirtual(prepared));
  } finally {
    await voice?.close();
  }
}

async function bytesOf(folder: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(folder, path));
  } catch (error) {
    throw new TandemError('invalid-input', `The scenario names a file that cannot be read: ${path}`, { path }, error);
  }
}

async function textOf(folder: string, path: string): Promise<string> {
  return new TextDecoder().decode(await bytesOf(folder, path));
}
