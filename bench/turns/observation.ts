/** What the callers' process tells: times in milliseconds on the shared clock, sound as it arrived. */

/** 20 ms that were audible. */
export interface HeardFrame {
  /** Arrival of the packet. */
  at: number;
  /** Where in it sound begins and ends: 0, 10 or 20 ms. */
  fromMs: number;
  toMs: number;
  /** Of the watermark; -1 for a sound without one. */
  mark: number;
  chunk: number;
}

export interface SaidPart {
  /** Its first sample, and the end of its last. */
  from: number;
  to: number;
}

export interface SaidUtterance {
  /** In the script. */
  index: number;
  parts: SaidPart[];
  /** No answer to the one before came in time; an utterance that should lie over it lies over silence. */
  afterMissed: boolean;
}

export interface CallObservation {
  /** Of the caller: its number is `numberOf(line)`. */
  line: number;
  answeredAt: number | undefined;
  /** The server ended the call, or refused it. */
  failed: string | undefined;
  said: SaidUtterance[];
  heard: HeardFrame[];
}

export interface Observation {
  calls: CallObservation[];
  cpuMs: number;
  /** How much later than meant the callers' own loop ran, P99 of its steps. */
  ownLagP99Ms: number;
}

export const numberOf = (line: number): string => `line-${String(line).padStart(3, '0')}`;
