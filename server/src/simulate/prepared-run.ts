/** What a run of a scenario is asked for, and what it is when everything that is asynchronous or shared is there. */
import type { BusinessEntry } from '#calls/directory.ts';
import type { ConversationPlan } from '#conversation/plan.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel } from '#models/language-model.ts';
import type { SimulationRooms } from './rooms.ts';
import type { Level, Scenario } from './scenario.ts';
import type { VirtualKit } from './virtual/centre.ts';
import type { SoundBank, SpokenSound } from './virtual/sound-bank.ts';
import type { SpeechStore } from './virtual/voice.ts';

export interface RunOptions {
  /** The system's: for how long a run takes, and for what must wait for something real. */
  kit: Kit;
  rooms: SimulationRooms;
  /** Default `virtual`. Level `sip` is played against a server: see `sip-level/`. */
  level?: Exclude<Level, 'sip'>;
  /** Instead of the scenario's; `run` is added to either. */
  seed?: number;
  /** 0 for the first of several. */
  run?: number;
  /** The file the scenario came from, for reports; files that it names lie beside it. */
  file?: string;
  /** Where files that the scenario names are; the folder of this process when absent. */
  folder?: string;
  /** Keep the sound of the call; true when absent. */
  sound?: boolean;
  /** Answers instead of the scenario's model: made for the call's own kit, so that it can live on the virtual clock. */
  languageModel?: (kit: VirtualKit) => LanguageModel;
  /** The business that is called, instead of the scenario's. */
  business?: BusinessEntry;
  /** What the assistant is told when the conversation starts, in place of what the business says. */
  revisePlan?: (plan: ConversationPlan) => ConversationPlan;
  /** Plays the persona, in real time between turns. */
  personaModel?: LanguageModel;
  /** Ends the run between two steps of time; rejects with its reason. */
  signal?: AbortSignal;
}

/** A scenario that can be played: everything that is asynchronous or shared is there. */
export interface PreparedRun extends RunOptions {
  scenario: Scenario;
  seed: number;
  run: number;
  sound: boolean;
  business: BusinessEntry;
  bank: SoundBank;
  store: SpeechStore;
  files: { sound: (path: string) => Promise<Uint8Array> };
  speak?: (text: string) => Promise<SpokenSound>;
}
