/** The files that decoders load: a grammar and a dictionary for each set of phrases, in a private folder. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '#kit/log.ts';
import { type Grammar, grammarOf, phoneLoop, vocabularyOf } from './grammar.ts';
import { dictionaryText, readLexicon } from './lexicon.ts';

/** Sets kept at most; the least recently used one makes room. A business has one set for each assistant. */
const SETS_KEPT = 64;
/** Wider grammars than this cannot be decoded in time on a call; phrases after it are left out. */
export const MOST_PHRASES = 1_000;

export interface DecoderGrammar {
  key: string;
  grammarFile: string;
  dictionaryFile: string;
}

export interface PhraseSet extends DecoderGrammar {
  grammar: Grammar;
}

/** One file only readable by us: callers' sound and businesses' phrases are nobody else's. */
export const writePrivate = (file: string, data: string | Uint8Array): Promise<void> => writeFile(file, data, { mode: 0o600 });

export class PhraseSets {
  readonly #cmuDictionary: string;
  readonly #log: Log;
  readonly #sets = new Map<string, Promise<PhraseSet>>();
  readonly #stopped = new AbortController();
  #folder: Promise<string> | undefined;
  #loop: Promise<DecoderGrammar> | undefined;

  constructor(cmuDictionary: string, log: Log) {
    this.#cmuDictionary = cmuDictionary;
    this.#log = log;
  }

  /** The private folder (0700), made when first asked for. */
  folder(): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'tandem-pocketsphinx-'));
    return this.#folder;
  }

  /** The files of the phone loop. */
  loop(): Promise<DecoderGrammar> {
    this.#loop ??= this.#write('loop', phoneLoop.text, phoneLoop.dictionary);
    return this.#loop;
  }

  /** The files for these phrases, from the cache or made now. Throws when the dictionary or the folder fails. */
  for(phrases: readonly string[]): Promise<PhraseSet> {
    const key = createHash('sha256').update(JSON.stringify(phrases)).digest('hex').slice(0, 32);
    let set = this.#sets.get(key);
    this.#sets.delete(key);
    set ??= this.#make(key, phrases);
    this.#sets.set(key, set);
    // A failure is told to whoever asked, and tried again for the next one.
    set.catch(() => this.#sets.delete(key));
    if (this.#sets.size > SETS_KEPT) this.#forgetOldest();
    return set;
  }

  /** Removes the folder with everything in it. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the transcriber is closed'));
    await Promise.allSettled([...this.#sets.values(), this.#loop]);
    this.#sets.clear();
    const folder = await this.#folder?.catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  async #make(key: string, phrases: readonly string[]): Promise<PhraseSet> {
    const kept = phrases.slice(0, MOST_PHRASES);
    const lexicon = await readLexicon(this.#cmuDictionary, vocabularyOf(kept), this.#stopped.signal);
    const grammar = grammarOf(kept, lexicon);
    const words = [...new Set(grammar.dropped.flatMap((dropped) => dropped.words))];
    if (grammar.dropped.length > 0) {
      this.#log.warn({ phrases: grammar.dropped.length, words: words.slice(0, 20) }, 'phrases that cannot be recognised: unknown words');
    }
    if (phrases.length > kept.length) this.#log.warn({ left: phrases.length - kept.length }, 'too many phrases to recognise');
    const files = await this.#write(key, grammar.text, dictionaryText(lexicon));
    return { ...files, grammar };
  }

  async #write(key: string, grammar: string, dictionary: string): Promise<DecoderGrammar> {
    const folder = await this.folder();
    const files = { key, grammarFile: join(folder, `${key}.jsgf`), dictionaryFile: join(folder, `${key}.dict`) };
    await Promise.all([writePrivate(files.grammarFile, grammar), writePrivate(files.dictionaryFile, dictionary)]);
    return files;
  }

  #forgetOldest(): void {
    const [oldest] = this.#sets;
    this.#sets.delete(oldest[0]);
    oldest[1].then(({ grammarFile, dictionaryFile }) => Promise.allSettled([unlink(grammarFile), unlink(dictionaryFile)])).catch(() => {}); // it never had files
  }
}
