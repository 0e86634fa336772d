/** What a simulated call came to; what reports are made of and expectations are checked against. */
import type { CallEvent } from '@tandem/contract';
import type { Expectation, Level, Scenario } from './scenario.ts';

/** One line of what was said, as the caller's side knows it. Milliseconds since the answer. */
export interface SpokenLine {
  who: 'caller' | 'assistant';
  text: string;
  fromMs: number;
  toMs: number;
  turn?: number;
  /** `backchannel`, `barge-in`, `filler`, `digits`, `sound`: what is no ordinary line. */
  kind?: string;
  /** The assistant's line was cut there. */
  interrupted?: boolean;
}

/** What was measured at the caller's ear, by the definitions of the measures page. */
export interface CallerMeasures {
  /** Per answered turn, in order. */
  voiceToVoiceMs: number[];
  cutOffs: number;
  falseInterruptions: number;
  longestDeadAirMs: number;
}

/** Stereo, 8 kHz µ-law, as the recording is: caller left, assistant right. One byte per sample and channel. */
export interface CallSound {
  caller: Uint8Array;
  assistant: Uint8Array;
}

export interface SimulatedCall {
  scenario: Scenario;
  /** The file the scenario came from; undefined for the builder's. */
  file?: string;
  level: Level;
  seed: number;
  /** 0 for the first of `--repeat N`. */
  run: number;
  /** In order, as the journal has them. Empty ids of the machine's own: two runs of one seed have equal events. */
  events: readonly CallEvent[];
  /** SHA-256 of the canonical JSON of the events, hexadecimal. Equal on every machine for one seed (`text`, `virtual`). */
  hash: string;
  lines: readonly SpokenLine[];
  measures: CallerMeasures;
  /** Not at level `text`. */
  sound?: CallSound;
  /** Length of the call, milliseconds of its own time. */
  durationMs: number;
  /** What it took, milliseconds of real time. */
  tookMs: number;
  /** The simulation itself failed (no answer, a step that can never come). */
  fault?: string;
}

export interface Check {
  expectation: Expectation;
  /** In words: `says "eight until six"`. */
  title: string;
  passed: boolean;
  /** What there was instead, in words; set when it failed. */
  found?: string;
  /** Why it could not be checked here (no sound at level `text`, no language model to judge); it counts as passed. */
  skipped?: string;
}

export interface CheckedCall extends SimulatedCall {
  checks: readonly Check[];
  passed: boolean;
}
