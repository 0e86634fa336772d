/**
 * Scenarios in TypeScript, equal to those in YAML:
 *
 *   scenario('Opening hours').calls('demo').hears('greeting').says('When are you open?').hears('answer')
 *     .expects({ says: 'eight in the morning' }).build()
 */
import { TandemError } from '#kit/errors.ts';
import { faultsOf } from './scenario-faults.ts';
import { type CallerStep, type Expectation, type Scenario, type ScenarioInput, scenario as schema } from './scenario.ts';

type Step<Key extends string> = Extract<CallerStep, Record<Key, unknown>>;
type Options<Key extends string> = Omit<Step<Key>, Key>;
type Written = Omit<ScenarioInput, 'name' | 'caller' | 'expect'>;

/** Each method answers a new builder: a beginning can be shared. */
export class ScenarioBuilder {
  readonly #written: ScenarioInput;

  constructor(written: ScenarioInput) {
    this.#written = written;
  }

  /** Everything that is no step and no expectation: business, answers, line, delays, tags, seed. */
  with(settings: Written): ScenarioBuilder {
    return new ScenarioBuilder({ ...this.#written, ...settings });
  }

  calls(to: string, from?: string): ScenarioBuilder {
    return this.with({ to, ...(from === undefined ? {} : { from }) });
  }

  over(line: NonNullable<ScenarioInput['line']>): ScenarioBuilder {
    return this.with({ line });
  }

  hears(what: Step<'hear'>['hear'], options: Options<'hear'> = {}): ScenarioBuilder {
    return this.#step({ hear: what, ...options });
  }

  says(text: string, options: Options<'say'> = {}): ScenarioBuilder {
    return this.#step({ say: text, ...options });
  }

  plays(file: string, options: Options<'play'> = {}): ScenarioBuilder {
    return this.#step({ play: file, ...options });
  }

  bargesIn(text: string, options: Options<'bargeIn'> = {}): ScenarioBuilder {
    return this.#step({ bargeIn: text, ...options });
  }

  backchannels(text = 'uh-huh', options: Options<'backchannel'> = {}): ScenarioBuilder {
    return this.#step({ backchannel: text, ...options });
  }

  presses(digits: string, options: Options<'press'> = {}): ScenarioBuilder {
    return this.#step({ press: digits, ...options });
  }

  types(text: string, options: Options<'type'> = {}): ScenarioBuilder {
    return this.#step({ type: text, ...options });
  }

  sounds(sound: Step<'sound'>['sound'], options: Partial<Options<'sound'>> = {}): ScenarioBuilder {
    return this.#step({ sound, ...options });
  }

  pauses(ms: number): ScenarioBuilder {
    return this.#step({ pause: ms });
  }

  hangsUp(options: Omit<Options<'hangUp'>, 'hangUp'> = {}): ScenarioBuilder {
    return this.#step({ hangUp: true, ...options });
  }

  /** A language model plays the caller instead of steps. */
  playedBy(persona: NonNullable<ScenarioInput['persona']>): ScenarioBuilder {
    return this.with({ persona });
  }

  expects(...expectations: Expectation[]): ScenarioBuilder {
    return new ScenarioBuilder({ ...this.#written, expect: [...(this.#written.expect ?? []), ...expectations] });
  }

  /** Throws `invalid-input` with each fault by its path. */
  build(): Scenario {
    const checked = schema.safeParse(this.#written);
    if (checked.success) return checked.data;
    const faults = faultsOf(checked.error.issues, this.#written).map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new TandemError('invalid-input', `The scenario "${this.#written.name}" cannot be played: ${faults.join('; ')}`, { faults });
  }

  #step(step: NonNullable<ScenarioInput['caller']>[number]): ScenarioBuilder {
    return new ScenarioBuilder({ ...this.#written, caller: [...(this.#written.caller ?? []), step] });
  }
}

export const scenario = (name: string): ScenarioBuilder => new ScenarioBuilder({ name });
