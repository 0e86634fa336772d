import type { Frame, SoundFormat } from '#audio/frame.ts';
import type { EndOfTurnDetector } from '../end-of-turn.ts';
import type { Panel } from './panel.ts';
import { SoundWindow } from './sound-window.ts';

/** A call's ear for whether its caller has finished. */
export class SmartTurnDetector implements EndOfTurnDetector {
  readonly #panel: Panel;
  readonly #window: SoundWindow;
  readonly #closed = new AbortController();

  constructor(panel: Panel, format: SoundFormat) {
    this.#panel = panel;
    this.#window = new SoundWindow(format);
  }

  push(frame: Frame): void {
    this.#window.push(frame);
  }

  ask(): Promise<number | undefined> {
    return this.#panel.ask(this.#window.copy(), this.#closed.signal);
  }

  close(): void {
    this.#closed.abort();
  }
}
