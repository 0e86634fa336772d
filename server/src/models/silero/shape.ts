/** The shape of Silero's model (version 5 and 6) at 8 kHz, and the memory that the batcher and its worker share. */

/** New samples of a window: 32 ms. */
export const WINDOW = 256;
/** Samples of the window before, given again in front of it. */
export const CONTEXT = 32;
/** What one row of the model's input holds. */
export const ROW = CONTEXT + WINDOW;
/** Values of each of the LSTM's two states (h and c) of one call. */
export const STATE = 128;
/** Most windows run together: from 16 on a window costs nearly the same. */
export const MOST_ROWS = 64;

/** The model's inputs, row after row, overwritten by its outputs. One writer at a time: whoever's turn it is. */
export interface Exchange {
  /** `rows` × ROW samples, -1…1. */
  input: Float32Array;
  /** The model's [2, rows, STATE]: first all rows' h, then all rows' c. Before a run the old state, after it the new. */
  state: Float32Array;
  /** After a run: one probability of speech per row. */
  probability: Float32Array;
}

export interface SharedExchange extends Exchange {
  input: Float32Array<SharedArrayBuffer>;
  state: Float32Array<SharedArrayBuffer>;
  probability: Float32Array<SharedArrayBuffer>;
}

export function createExchange(): SharedExchange {
  const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
  return { input: floats(MOST_ROWS * ROW), state: floats(2 * MOST_ROWS * STATE), probability: floats(MOST_ROWS) };
}

/** A loaded model. At most one run at a time; while it runs, the exchange is the model's. */
export interface SileroModel {
  readonly exchange: Exchange;
  /** Runs the first `rows` rows of the exchange. Rejects when the model failed; the exchange is then the caller's again. */
  run(rows: number): Promise<void>;
}
