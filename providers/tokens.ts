/** Tokens as the local language models count them, and the prompt cache of each model. */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const CHARACTERS = 4;
const BLOCK_TOKENS = 128;
const FEWEST_CACHED = 1024;
const MOST_KNOWN = 50_000;

/** Word-like pieces; joined they are the text again. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S{1,8}|\s+/g) ?? [];
}

/** Four characters are a token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS);
}

/** Prefixes that a model has read before, as digests; the oldest are forgotten first. */
export class PromptCache {
  readonly #known = new Set<string>();

  /** Tokens of the longest prefix that was read before, in blocks of 128 and never fewer than 1,024; remembers this prompt. */
  read(prompt: string): number {
    const size = BLOCK_TOKENS * CHARACTERS;
    let digest = '';
    let cached = 0;
    for (let at = 0; at + size <= prompt.length; at += size) {
      digest = digestOf(digest + prompt.slice(at, at + size));
      if (this.#known.has(digest) && cached === at / CHARACTERS) cached += BLOCK_TOKENS;
      this.#remember(digest);
    }
    return cached >= FEWEST_CACHED ? cached : 0;
  }

  /** Prefixes that the client marked, shortest first: tokens read from the longest known one, and tokens written behind it. */
  readMarked(prefixes: readonly string[]): { read: number; written: number } {
    let read = 0;
    let whole = 0;
    for (const prefix of prefixes) {
      const tokens = countTokens(prefix);
      if (tokens < FEWEST_CACHED) continue;
      const digest = digestOf(prefix);
      whole = tokens;
      if (this.#known.has(digest)) read = tokens;
      this.#remember(digest);
    }
    return { read, written: whole - read };
  }

  #remember(digest: string): void {
    this.#known.add(digest);
    if (this.#known.size <= MOST_KNOWN) return;
    const oldest = this.#known.values().next();
    if (!oldest.done) this.#known.delete(oldest.value);
  }
}

function digestOf(text: string): string {
  return hash('sha1', text, 'base64');
}

/** Caches live as long as the server that the requests came to. */
const caches = new WeakMap<object, Map<string, PromptCache>>();

/** The cache of one model of one server; `scope` is the protocol and the model. */
export function promptCacheOf(request: IncomingMessage, scope: string): PromptCache {
  const { server } = request.socket as unknown as { server?: object };
  const models = caches.get(server ?? request.socket) ?? new Map<string, PromptCache>();
  caches.set(server ?? request.socket, models);
  const cache = models.get(scope) ?? new PromptCache();
  models.set(scope, cache);
  return cache;
}
