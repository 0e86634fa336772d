/** One request or WebSocket: what its route may use while it lasts. */
import { seededNumbers, seedOf } from './delay.ts';
import type { NewEvent } from './event-log.ts';
import type { LogDetails, Route, RouteContext } from './route.ts';
import type { Fault, ProviderEvent, ProviderName, Scenario, Stage } from './scenario.ts';

export interface ConnectionParts {
  provider: ProviderName;
  connection: number;
  route: Route;
  url: URL;
  params: Record<string, string>;
  scenario(): Scenario;
  takeFault(): Fault | undefined;
  draw(stage: Stage, orMs: number): number;
  log(event: NewEvent): void;
  nextMark(): number;
}

/** Made once: by default each abort makes an error with a stack. */
const GONE = new Error('the connection has gone');

export class Connection implements RouteContext {
  readonly provider: ProviderName;
  readonly connection: number;
  readonly route: Route;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  readonly random: () => number;
  readonly #parts: ConnectionParts;
  readonly #ending = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  #bodyText = '';
  #body: unknown;

  constructor(parts: ConnectionParts) {
    this.provider = parts.provider;
    this.connection = parts.connection;
    this.route = parts.route;
    this.url = parts.url;
    this.params = parts.params;
    this.random = seededNumbers(seedOf(parts.scenario().seed, `${parts.provider}/${parts.connection}`));
    this.#parts = parts;
  }

  get scenario(): Scenario {
    return this.#parts.scenario();
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  get body(): unknown {
    return this.#body;
  }

  get bodyText(): string {
    return this.#bodyText;
  }

  setBody(text: string): void {
    this.#bodyText = text;
    this.#body = parseJson(text);
  }

  takeFault(): Fault | undefined {
    return this.#parts.takeFault();
  }

  draw(stage: Stage, orMs = 0): number {
    return this.#parts.draw(stage, orMs);
  }

  log(event: ProviderEvent['event'], more: LogDetails = {}): void {
    this.#parts.log({ provider: this.provider, stage: this.route.stage, connection: this.connection, event, ...more });
  }

  nextMark(): number {
    return this.#parts.nextMark();
  }

  after(ms: number, run: () => void): () => void {
    if (this.signal.aborted) return () => {};
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        run();
      },
      Math.max(0, ms),
    );
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  pause(ms: number): Promise<boolean> {
    if (this.signal.aborted) return Promise.resolve(false);
    if (ms <= 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const gone = (): void => resolve(false);
      this.signal.addEventListener('abort', gone, { once: true });
      this.after(ms, () => {
        this.signal.removeEventListener('abort', gone);
        resolve(true);
      });
    });
  }

  /** The peer has gone, or the server ends: no timer runs any more. */
  end(): void {
    if (this.signal.aborted) return;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#ending.abort(GONE);
  }
}

/** The object or value that a text holds; undefined when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
