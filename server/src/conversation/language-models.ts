/**
 * The language models of a call as one: in order of preference, whoever fails is followed by the next, and a late first
 * word may be asked for a second time (a hedge: the first part wins, the other request is called off).
 */
import { type Scope, scopeOf } from '#kit/abort.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import { withDeadlines } from './deadlines.ts';
import type { ConversationPolicy } from './plan.ts';
import { isRetryable, type ProviderHealth } from './provider-health.ts';
import { hedgeAfterMs } from './rules/hedge.ts';
import type { UsageMeter } from './usage.ts';

export interface LanguageModelsParts {
  kit: Kit;
  models: readonly [LanguageModel, ...LanguageModel[]];
  health: ProviderHealth;
  policy: ConversationPolicy;
  usage: UsageMeter;
}

const STAGE = 'language-model';

export class LanguageModels {
  readonly #parts: LanguageModelsParts;

  constructor(parts: LanguageModelsParts) {
    this.#parts = parts;
  }

  /** Typical time to a first part of who would be asked now, milliseconds; undefined while too little is known. */
  get expectedMs(): number | undefined {
    const { health, models } = this.#parts;
    const window = health.latency(STAGE, health.ready(STAGE, models)[0]);
    return window.count < 5 ? undefined : window.percentile(0.5);
  }

  /** A walk down the list for one answer; it never goes back. */
  walk(): ModelWalk {
    return new ModelWalk(this.#parts);
  }
}

/** Who is asked for one answer, one after the other. A model that is alone gets a second chance. */
export class ModelWalk {
  readonly #parts: LanguageModelsParts;
  readonly #left: LanguageModel[];
  #blamed: LanguageModel | undefined;

  constructor(parts: LanguageModelsParts) {
    this.#parts = parts;
    const ready = parts.health.ready(STAGE, parts.models);
    this.#left = ready.length === 1 ? [ready[0], ready[0]] : ready;
  }

  get current(): LanguageModel | undefined {
    return this.#left[0];
  }

  /** The current one failed with `error`; returns who failed and who is next. */
  failed(error: unknown): { failed: LanguageModel; next: LanguageModel | undefined } {
    const failed = this.#blamed ?? this.#left[0];
    // Whoever was overtaken by it was late, and has not failed.
    this.#left.splice(this.#left.indexOf(failed), 1);
    // The same request to the same model only where that may help.
    if (this.#left[0] === failed && !isRetryable(error)) this.#left.shift();
    return { failed, next: this.#left[0] };
  }

  /** Asks the current model. Throws what it throws; nothing of a request is left when this ends. */
  async *ask(request: ModelRequest): AsyncGenerator<ModelPart, void, undefined> {
    const [model, spare] = this.#left;
    this.#blamed = undefined;
    const { policy, health } = this.#parts;
    const waitMs = policy.hedging ? hedgeAfterMs(health.latency(STAGE, model)) : undefined;
    const first = new Asking(this.#parts, model, request, spare === undefined);
    const askings = [first];
    try {
      const won = waitMs === undefined ? first : await this.#race(first, askings, waitMs, request);
      this.#blamed = won.model;
      for (const other of askings) if (other !== won) other.overtaken();
      for (let result = await won.next(); !result.done; result = await won.next()) yield result.value;
    } finally {
      for (const asking of askings) asking.drop();
    }
  }

  /** Whoever has a first part first; a failure loses to an answer that is still to come. */
  async #race(first: Asking, askings: Asking[], waitMs: number, request: ModelRequest): Promise<Asking> {
    const { clock } = this.#parts.kit;
    const late = Promise.withResolvers<'late'>();
    const timer = clock.after(waitMs, () => late.resolve('late'));
    try {
      const early = await Promise.race([first.begun.then(() => 'begun' as const), late.promise]);
      if (early === 'begun') return first;
    } finally {
      timer.cancel();
    }
    // The same model: a faster one further down the list (the local one) would win with a poorer answer.
    const second = new Asking(this.#parts, first.model, request, true);
    askings.push(second);
    return Promise.any([first.begun.then(() => first), second.begun.then(() => second)]).catch(() => first);
  }
}

/** One request, with its deadlines and its account. */
class Asking {
  readonly model: LanguageModel;
  /** Settles with the first part. */
  readonly begun: Promise<unknown>;
  readonly #parts: LanguageModelsParts;
  readonly #scope: Scope;
  readonly #stream: AsyncIterableIterator<ModelPart, void, undefined>;
  /** Until it is taken. */
  #first: Promise<IteratorResult<ModelPart, void>> | undefined;
  readonly #from: number;
  readonly #request: ModelRequest;
  #gotCharacters = 0;
  #counted = false;
  #over = false;

  constructor(parts: LanguageModelsParts, model: LanguageModel, request: ModelRequest, last: boolean) {
    this.#parts = parts;
    this.model = model;
    this.#request = request;
    const { kit, health, policy } = parts;
    this.#scope = scopeOf(request.signal);
    const { signal } = this.#scope;
    health.breaker(STAGE, model.name).admit();
    this.#from = kit.clock.now();
    this.#stream = withDeadlines(model.generate({ ...request, signal }), {
      clock: kit.clock,
      vendor: model.name,
      firstMs: last ? policy.firstTokenMs : Math.min(policy.firstTokenMs, policy.attemptTokenMs),
      nextMs: last ? policy.nextTokenMs : Math.min(policy.nextTokenMs, policy.attemptTokenMs),
      signal,
    });
    const first = this.#stream.next();
    this.#first = first;
    this.begun = first.then(
      () => health.latency(STAGE, model).add(kit.clock.now() - this.#from),
      (error: unknown) => {
        this.#failed(error);
        throw error;
      },
    );
    // It may fail while nobody looks: the failure is seen by whoever reads the parts.
    this.begun.catch(() => {});
  }

  /** The next part, one at a time. */
  next(): Promise<IteratorResult<ModelPart, void>> {
    const result = this.#first ?? this.#stream.next();
    this.#first = undefined;
    return result.then(this.#came, this.#broke);
  }

  readonly #came = (result: IteratorResult<ModelPart, void>): IteratorResult<ModelPart, void> => {
    if (result.done) {
      this.#over = true;
      this.#scope.release();
      this.#parts.health.breaker(STAGE, this.model.name).succeeded();
    } else if (result.value.type === 'usage') {
      this.#counted = true;
      this.#parts.usage.addTokens(this.model, result.value);
    } else if (result.value.type === 'text') this.#gotCharacters += result.value.text.length;
    return result;
  };

  readonly #broke = (error: unknown): never => {
    this.#failed(error);
    throw error;
  };

  /**
   * Another one was faster. It would have taken at least until now: left out, only quick ones would be known, and ever
   * more requests would seem late.
   */
  overtaken(): void {
    const { kit, health } = this.#parts;
    if (!this.#over) health.latency(STAGE, this.model).add(kit.clock.now() - this.#from);
    this.drop();
  }

  /** Calls it off; does nothing when it is over. */
  drop(): void {
    if (this.#over) return;
    this.#over = true;
    const { health } = this.#parts;
    health.breaker(STAGE, this.model.name).dropped();
    // Who has never answered (a wrong key) bills nothing.
    if (!this.#counted && health.latency(STAGE, this.model).count > 0)
      this.#parts.usage.addEstimate(this.model, lengthOf(this.#request), this.#gotCharacters);
    this.#scope.abort('superseded');
    this.#stream.return?.().catch(() => {});
  }

  #failed(error: unknown): void {
    if (this.#over || this.#scope.signal.aborted) return;
    this.#over = true;
    // Who is late may still be at it.
    this.#scope.abort('superseded');
    this.#parts.health.failed(STAGE, this.model.name, error);
  }
}

/** Characters of a prompt, roughly as they are sent. */
function lengthOf({ instructions, messages, passages }: ModelRequest): number {
  const said = messages.reduce((sum, message) => sum + (message.role === 'tool' ? message.result : message.text).length, 0);
  return instructions.length + said + passages.reduce((sum, { text }) => sum + text.length, 0);
}
