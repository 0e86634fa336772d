/** The caller's real voice. What was said once is kept, for all calls of the process; it is made before the call wherever it is known. */
import { LRUCache } from 'lru-cache';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { SimulationRooms } from '../rooms.ts';
import { SpokenVoice } from '../spoken-voice.ts';
import type { SpokenSound } from '../virtual/sound-bank.ts';

/** Lines of callers that are kept: some 30 KB each. */
const MOST_KEPT = 500;
/** On a busy machine a synthesizer may be late; nobody is on the line yet. */
const TRIES = 3;

const kept = new WeakMap<SimulationRooms, LRUCache<string, SpokenSound>>();

export class CallerVoice {
  readonly #kit: Kit;
  readonly #rooms: SimulationRooms;
  readonly #said: LRUCache<string, SpokenSound>;
  #voice: Promise<SpokenVoice> | undefined;

  constructor(kit: Kit, rooms: SimulationRooms) {
    this.#kit = kit;
    this.#rooms = rooms;
    this.#said = kept.get(rooms) ?? new LRUCache({ max: MOST_KEPT });
    kept.set(rooms, this.#said);
  }

  /** Rejects with the vendor's error when it fails three times. */
  async speak(text: string): Promise<SpokenSound> {
    const known = this.#said.get(text);
    if (known) return known;
    this.#voice ??= this.#rooms.spokenVoice(this.#kit).then((synthesizer) => new SpokenVoice(synthesizer));
    const voice = await this.#voice;
    for (let attempt = 1; ; attempt++) {
      try {
        const spoken = await voice.speak(text);
        this.#said.set(text, spoken);
        return spoken;
      } catch (error) {
        const again = error instanceof VendorError && error.category === 'retryable' && attempt < TRIES;
        if (!again) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#voice)?.close();
  }
}
