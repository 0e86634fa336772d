/** Whether one sound is in another: normalised correlation at the best alignment, window by window. */

export interface Match {
  /** Where the piece begins in the sound, samples. */
  at: number;
  /** Normalised correlation there, -1 to 1. */
  correlation: number;
}

export interface Likeness {
  /** Median, lowest and highest correlation of the windows. */
  median: number;
  lowest: number;
  highest: number;
  windows: number;
  /** How much later the sound has it than the reference, milliseconds. */
  lagMs: number;
}

export interface LikenessOptions {
  /** Samples per second of both. */
  rate: number;
  /** Part of the reference that is looked for, milliseconds. */
  fromMs?: number;
  toMs?: number;
}

const WINDOW_MS = 500;
/** A window this far below the loudest says nothing. */
const QUIET = 0.02;
/** Jitter buffers may move the sound this much within one call. */
const DRIFT_MS = 120;
/** The first, coarse look takes every so many samples of a window; the alignment itself is to the sample. */
const COARSE = 5;

const energyOf = (sound: Int16Array, from = 0, to = sound.length) => {
  let energy = 0;
  for (let i = from; i < to; i++) energy += sound[i] * sound[i];
  return energy;
};

function correlationAt(piece: Int16Array, pieceEnergy: number, sound: Int16Array, at: number): number {
  let product = 0;
  let energy = 0;
  for (let i = 0; i < piece.length; i++) {
    const sample = sound[at + i];
    product += piece[i] * sample;
    energy += sample * sample;
  }
  return energy === 0 || pieceEnergy === 0 ? 0 : product / Math.sqrt(energy * pieceEnergy);
}

/** The best place of `piece` in `sound[from, to)`. */
export function findPiece(piece: Int16Array, sound: Int16Array, from = 0, to = sound.length): Match {
  const first = Math.max(0, from);
  const last = Math.min(to, sound.length) - piece.length;
  let coarse = { at: first, product: Number.NEGATIVE_INFINITY };
  for (let at = first; at <= last; at++) {
    let product = 0;
    for (let i = 0; i < piece.length; i += COARSE) product += piece[i] * sound[at + i];
    if (product > coarse.product) coarse = { at, product };
  }
  const energy = energyOf(piece);
  let best: Match = { at: coarse.at, correlation: last < first ? 0 : -1 };
  for (let at = Math.max(first, coarse.at - COARSE); at <= Math.min(last, coarse.at + COARSE); at++) {
    const correlation = correlationAt(piece, energy, sound, at);
    if (correlation > best.correlation) best = { at, correlation };
  }
  return best;
}

/** How like the reference the sound is, after alignment. Throws when the reference is silent there. */
export function likeness(reference: Int16Array, sound: Int16Array, { rate, fromMs = 0, toMs = Infinity }: LikenessOptions): Likeness {
  const samples = (ms: number) => Math.round((ms * rate) / 1000);
  const size = samples(WINDOW_MS);
  const starts: number[] = [];
  for (let at = samples(fromMs); at + size <= Math.min(reference.length, samples(Math.min(toMs, 1e7))); at += size) starts.push(at);
  const energies = starts.map((at) => energyOf(reference, at, at + size));
  const loudest = Math.max(0, ...energies);
  if (loudest === 0) throw new Error('there is nothing to hear in this part of the reference');
  const piece = (at: number) => reference.subarray(at, at + size);
  const anchor = starts[energies.indexOf(loudest)];
  const lag = findPiece(piece(anchor), sound).at - anchor;
  const matches = starts
    .filter((_, index) => energies[index] >= QUIET * loudest)
    .map((at) => findPiece(piece(at), sound, at + lag - samples(DRIFT_MS), at + lag + size + samples(DRIFT_MS)).correlation)
    .sort((a, b) => a - b);
  return {
    median: matches[matches.length >> 1],
    lowest: matches[0],
    highest: matches[matches.length - 1],
    windows: matches.length,
    lagMs: (lag * 1000) / rate,
  };
}

/** Where the sound is louder than silence: from the first to the last such sample, milliseconds. */
export function audibleSpan(sound: Int16Array, rate: number, threshold = 200): { fromMs: number; toMs: number } | undefined {
  const first = sound.findIndex((sample) => Math.abs(sample) > threshold);
  const last = sound.findLastIndex((sample) => Math.abs(sample) > threshold);
  return first < 0 ? undefined : { fromMs: (first * 1000) / rate, toMs: (last * 1000) / rate };
}
