/** What a caller says in a call, utterance by utterance; the words are the transcriber's business, here it is sound. */
import type { Random } from '#kit/random.ts';
import { HOP, mulawPower } from './onset.ts';
import { cough, voice } from './voices.ts';
import { FRAME, SILENCE } from './wire.ts';

/**
 * `ordinary` and `long` are questions (what is answered at length is for what is said over it), `pause` one with a pause
 * inside; `barge-in`, `backchannel` and `cough` are said over the answer to the one before.
 */
export const utteranceKinds = ['ordinary', 'long', 'pause', 'barge-in', 'backchannel', 'cough'] as const;
export type UtteranceKind = (typeof utteranceKinds)[number];

/** Whole frames of µ-law. */
export interface Part {
  sound: Uint8Array;
  /** Silence after it, inside the utterance. */
  pauseMs: number;
}

export interface Utterance {
  kind: UtteranceKind;
  parts: readonly Part[];
  /** Said over the answer to the one before, so many milliseconds after its first sound. */
  overAfterMs?: number;
  /** Pressed when the sound is over. */
  digits?: string;
  /** Silence before it, instead of a drawn one. */
  waitMs?: number;
}

export interface Talk {
  /** The `index`-th utterance of caller `line`; undefined when everything was said. */
  utterance(line: number, index: number, random: Random): Utterance | undefined;
}

export const isAnswered = ({ kind }: Utterance): boolean => kind !== 'backchannel' && kind !== 'cough';

const between = (random: Random, from: number, to: number): number => from + (to - from) * random.next();

function speechLike(kind: UtteranceKind, line: number, random: Random): Utterance {
  const said = (from: number, to: number, pauseMs = 0): Part => ({ sound: voice(line, between(random, from, to)), pauseMs });
  switch (kind) {
    case 'pause':
      return { kind, parts: [said(800, 1_600, between(random, 300, 700)), said(800, 1_600)] };
    case 'barge-in':
      return { kind, parts: [said(1_000, 1_500)], overAfterMs: between(random, 1_200, 2_400) };
    case 'backchannel':
      return { kind, parts: [said(200, 400)], overAfterMs: between(random, 1_200, 2_400) };
    case 'cough':
      return {
        kind,
        parts: [{ sound: cough(between(random, 200, 400), random), pauseMs: 0 }],
        overAfterMs: between(random, 1_200, 2_400),
      };
    default:
      return { kind, parts: [said(800, 1_600)] };
  }
}

/** The kinds one after the other, again and again. What lies over an answer is to follow one that is answered. */
export function cycleTalk(kinds: readonly UtteranceKind[]): Talk {
  return { utterance: (line, index, random) => speechLike(kinds[index % kinds.length], line, random) };
}

export interface Shares {
  /** Of the turns, 0 to 1 each. */
  bargeIns: number;
  backchannels: number;
  pauses: number;
}

/** Ordinary turns with so many interruptions, backchannels and pauses among them, drawn for each caller. */
export function mixedTalk(shares: Shares): Talk {
  /** Two in a row would lie over an answer that is not there. */
  const over = new Map<number, boolean>();
  return {
    utterance(line, index, random) {
      const draw = random.next();
      const mayLieOver = index > 0 && over.get(line) === false;
      let kind: UtteranceKind = 'ordinary';
      if (draw < shares.bargeIns) kind = mayLieOver ? 'barge-in' : 'ordinary';
      else if (draw < shares.bargeIns + shares.backchannels) kind = mayLieOver ? 'backchannel' : 'ordinary';
      else if (draw < shares.bargeIns + shares.backchannels + shares.pauses) kind = 'pause';
      over.set(line, kind === 'barge-in' || kind === 'backchannel');
      return speechLike(kind, line, random);
    },
  };
}

/** Sounds that are at hand (µ-law, 8 kHz), one after the other, again and again. */
export function recordedTalk(sounds: readonly Uint8Array[]): Talk {
  const framed = sounds.map(endingWithSpeech);
  return { utterance: (_line, index) => ({ kind: 'ordinary', parts: [{ sound: framed[index % framed.length], pauseMs: 0 }] }) };
}

/** 45 dB as a power. */
const BELOW_PEAK = 10 ** -4.5;

/**
 * The sound up to the last 10 ms above -45 dB of its peak, which is where a caller's speech ends (measures page); filled up
 * to whole frames at its beginning.
 */
export function endingWithSpeech(sound: Uint8Array): Uint8Array {
  const powers: number[] = [];
  for (let from = 0; from + HOP <= sound.length; from += HOP) powers.push(mulawPower(sound, from, from + HOP));
  const peak = Math.max(0, ...powers);
  const last = powers.findLastIndex((power) => power > peak * BELOW_PEAK);
  const spoken = last < 0 ? sound : sound.subarray(0, (last + 1) * HOP);
  const framed = new Uint8Array(Math.ceil(spoken.length / FRAME) * FRAME).fill(SILENCE);
  framed.set(spoken, framed.length - spoken.length);
  return framed;
}
