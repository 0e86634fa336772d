/** Text to vectors of one fixed size, unit length. */
export interface Embedder {
  /**
   * Names the vectors, not only the vendor: two embedders of one name make the same vector of the same text
   * (`hashing-1`, `openai/text-embedding-3-small`).
   */
  readonly name: string;
  readonly dimensions: number;
  /** It computes here, in microseconds: a question is not held back to wait for others. */
  readonly instant?: boolean;
  /** What one request should hold at most; more is asked in several. Absent: no limit of its own. */
  readonly limits?: EmbedderLimits;
  /**
   * One vector per text, in order; an empty text has one too, and of a text that is too long the beginning counts. All or
   * nothing: a text that is refused fails the whole request. Throws `VendorError`, or the signal's reason.
   */
  embed(texts: readonly string[], signal: AbortSignal, options?: EmbedOptions): Promise<Float32Array[]>;
  /** Ends connections and threads. */
  close?(): Promise<void>;
}

export interface EmbedderLimits {
  texts: number;
  characters: number;
}

/** Some models tell a question from what answers it. */
export type EmbedUse = 'query' | 'passage';

export interface EmbedOptions {
  /** `passage` when absent. */
  use?: EmbedUse;
  /** Told what the vendor has counted, as often as it counts. */
  onTokens?: (tokens: number) => void;
}
