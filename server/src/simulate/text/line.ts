/** A line without sound: the caller's words arrive at once, the assistant's speech is as short as its words are few. */
import { type Sound, silence } from '#audio/frame.ts';
import type { Paced, Pacer } from '#audio/pacer.ts';
import type { Kit } from '#kit/kit.ts';
import type { Leg, LegEndCause, LegListener, LegStats, Playout, SpeechSource } from '#telephony/leg.ts';
import { Line } from '#telephony/line.ts';

const FORMAT = 'mulaw-8000';

export class TextLine implements Leg, Paced {
  readonly id: string;
  readonly gateway = 'text';
  readonly codec = 'none';
  readonly format = FORMAT;
  readonly recognises = true;
  readonly #pacer: Pacer;
  readonly #line: Line;
  readonly #quiet: Sound = silence(FORMAT);
  #listener: LegListener | undefined;

  constructor(kit: Kit, pacer: Pacer) {
    this.id = kit.ids.make('leg');
    this.#pacer = pacer;
    this.#line = new Line({ format: FORMAT, clock: kit.clock, log: kit.log });
  }

  get over(): boolean {
    return this.#line.ended !== undefined;
  }

  /** The caller has said this. The limit for people who type is not for scripts. */
  reads(text: string): void {
    if (!this.over) this.#listener?.typed(text);
  }

  feels(digit: string): void {
    if (!this.over) this.#listener?.digit(digit);
  }

  attach(listener: LegListener): void {
    this.#listener = listener;
    this.#line.attach(listener);
    if (!this.over) this.#pacer.add(this);
  }

  play(source: SpeechSource): Playout {
    return this.#line.play(source);
  }

  sendDigits(): Promise<void> {
    return Promise.resolve();
  }

  caption(): void {}

  hangUp(): Promise<void> {
    this.end('local');
    return Promise.resolve();
  }

  end(cause: LegEndCause): void {
    if (this.#line.end(cause)) this.#pacer.remove(this);
  }

  stats(): LegStats {
    const { framesSent, framesLate } = this.#line;
    return { packetsReceived: 0, packetsLost: 0, packetsConcealed: 0, jitterMs: 0, framesSent, framesLate };
  }

  tick(deadline: number, late: number): void {
    const sent = this.#line.pull(late) ? this.#line.out : undefined;
    this.#line.deliver(this.#quiet, true, sent, Number.NaN, deadline);
  }

  failed(): void {
    this.end('error');
  }
}
