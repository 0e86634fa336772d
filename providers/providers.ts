/** The local provider as a program starts it. */
import type { ProviderEvent, ProviderName, Scenario } from './scenario.ts';

export interface Providers {
  /** Base URLs by provider, `http://127.0.0.1:PORT/<provider>`; WebSockets live below the same path with `ws:`. */
  readonly urls: Readonly<Record<ProviderName, string>>;
  /** Everything that happened, oldest first (the newest `keepEvents`). */
  readonly log: ProviderEvent[];
  /** The key that every provider accepts. Others get the provider's own refusal. */
  readonly key: string;
  /** Changes what the next requests and streams meet. */
  tell(change: Partial<Scenario>): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface ProvidersOptions {
  /** 0 takes a free one. */
  port?: number;
  host?: string;
  key?: string;
  scenario?: Partial<Scenario>;
  /** Hears each event at once, beside the log. */
  onEvent?: (event: ProviderEvent) => void;
  /** How many events `log` keeps, the newest; 200,000 unless said otherwise. For many calls 0: whole prompts are among them. */
  keepEvents?: number;
}
