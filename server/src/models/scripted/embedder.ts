/** Vectors by hashing words and their three-letter pieces: no meaning, but the same words lie near each other. */
import type { Embedder } from '../embedder.ts';

export class HashEmbedder implements Embedder {
  readonly name = 'scripted';
  readonly dimensions: number;

  constructor(dimensions = 256) {
    this.dimensions = dimensions;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    return texts.map((text) => this.#vector(text));
  }

  #vector(text: string): Float32Array {
    const vector = new Float32Array(this.dimensions);
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
      this.#add(vector, word, 1);
      const marked = `^${word}$`;
      for (let at = 0; at + 3 <= marked.length; at++) this.#add(vector, marked.slice(at, at + 3), 0.3);
    }
    const length = Math.hypot(...vector);
    if (length === 0) vector[0] = 1;
    else for (let i = 0; i < vector.length; i++) vector[i] /= length;
    return vector;
  }

  /** FNV-1a: the low bits choose the dimension, one more the sign. */
  #add(vector: Float32Array, feature: string, weight: number): void {
    let hash = 0x811c9dc5;
    for (let i = 0; i < feature.length; i++) hash = Math.imul(hash ^ feature.charCodeAt(i), 0x01000193) >>> 0;
    vector[hash % this.dimensions] += (hash >>> 31) & 1 ? -weight : weight;
  }
}
