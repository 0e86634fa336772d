/**
 * How many calls may use a provider at once, where its plan says so. A call takes a place at each provider that it begins
 * with; where the first choice is full the next one on the assistant's list is taken, and only when all are full is the
 * call refused.
 */
import type { Assistant } from '@tandem/contract';
import { type InstalledModels, order } from './installed-models.ts';

type Stage = 'transcribers' | 'languageModels' | 'synthesizers' | 'speechToSpeech';

/** The models that a call may use, and the places it has taken; give them back when it ends. */
export interface Places {
  models: InstalledModels;
  providers: readonly string[];
}

export class ProviderPlaces {
  readonly #most: ReadonlyMap<string, number>;
  readonly #taken = new Map<string, number>();

  /** `most`: calls at once by provider; who is not named has no bound. */
  constructor(most: ReadonlyMap<string, number>) {
    this.#most = most;
  }

  /** Taken places by provider, of those that have a bound. */
  get taken(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#most.keys()].map((name) => [name, this.#taken.get(name) ?? 0]));
  }

  /** Undefined when a stage has nobody left with a place. */
  take(assistant: Assistant, models: InstalledModels): Places | undefined {
    if (this.#most.size === 0) return { models, providers: [] };
    const { fallbacks } = assistant;
    // One that is not installed is not talked to: the call is an ordinary one then.
    const direct = models.speechToSpeech?.some(({ name }) => name === assistant.speechToSpeech) ?? false;
    const wanted: [Stage, string | undefined, readonly string[]][] = direct
      ? [['speechToSpeech', assistant.speechToSpeech, []]]
      : [
          ['transcribers', assistant.transcriber, fallbacks.transcribers],
          ['languageModels', assistant.languageModel, fallbacks.languageModels],
          ['synthesizers', assistant.synthesizer, fallbacks.synthesizers],
        ];
    const left: Partial<Record<Stage, { name: string }[]>> = {};
    const providers = new Set<string>();
    for (const [stage, name, others] of wanted) {
      const all: readonly { name: string }[] = models[stage] ?? [];
      if (all.length === 0) continue;
      const ordered = order(all, name, others);
      // A list of the assistant's own is kept to; without one anybody installed will do.
      const listed =
        name === undefined && others.length === 0 ? ordered : ordered.slice(0, new Set([name ?? ordered[0].name, ...others]).size);
      const first = listed.find((part) => this.#isFree(part.name));
      if (!first) return undefined;
      providers.add(first.name);
      left[stage] = all.filter((part) => this.#isFree(part.name));
    }
    for (const name of providers) this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1);
    return { models: { ...models, ...(left as Partial<InstalledModels>) }, providers: [...providers] };
  }

  /** Whether `take` would succeed now. */
  hasRoom(assistant: Assistant, models: InstalledModels): boolean {
    const places = this.take(assistant, models);
    if (places) this.give(places);
    return places !== undefined;
  }

  give({ providers }: Places): void {
    for (const name of providers) this.#taken.set(name, Math.max(0, (this.#taken.get(name) ?? 0) - 1));
  }

  #isFree(name: string): boolean {
    return (this.#taken.get(name) ?? 0) < (this.#most.get(name) ?? Infinity);
  }
}

/** `deepgram:50, cartesia:20`; undefined when it is anything else. */
export function parsePlaces(text: string): Map<string, number> | undefined {
  const places = new Map<string, number>();
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const match = /^([\w-]{1,60})\s*:\s*(\d{1,6})$/.exec(part);
    if (!match) return undefined;
    places.set(match[1], Number(match[2]));
  }
  return places;
}
