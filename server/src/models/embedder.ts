/** Text to vectors of one fixed size, unit length. */
export interface Embedder {
  readonly name: string;
  readonly dimensions: number;
  /** One vector per text, in order. Throws `VendorError`. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
}
