/** The answers of a speech-to-speech model on one leg: played one after the other, in the order in which they were begun. */
import type { Sound } from '#audio/frame.ts';
import { DirectReply, type DirectReplyOptions } from './direct-reply.ts';
import type { Filler } from './waiting.ts';

/** Answers that wait for the one before them. */
const MOST_WAITING = 8;

export interface DirectMouthListener {
  /** Its first sound left. */
  audible(reply: DirectReply): void;
  /** It was heard to its end. */
  finished(reply: DirectReply): void;
}

export class DirectMouth {
  readonly #leg: DirectReplyOptions['leg'];
  readonly #now: () => number;
  readonly #listener: DirectMouthListener;
  /** The first is being played, as soon as there is any of it. */
  #replies: DirectReply[] = [];

  constructor({ leg, now }: Pick<DirectReplyOptions, 'leg' | 'now'>, listener: DirectMouthListener) {
    this.#leg = leg;
    this.#now = now;
    this.#listener = listener;
  }

  /** The model's answer that is being said or is the next to be. */
  get speaking(): DirectReply | undefined {
    return this.#replies.find(({ filler }) => !filler);
  }

  /** Something is to be heard still, be it a filler. */
  get busy(): boolean {
    return this.#replies.length > 0;
  }

  get filling(): boolean {
    return this.#replies[0]?.filler ?? false;
  }

  /** The answer has stopped in its middle. */
  get dry(): boolean {
    return this.#replies[0]?.dry ?? false;
  }

  /** Nothing of the first answer has come: something else can be said before it. */
  get open(): boolean {
    return !this.#replies[0]?.begun;
  }

  /** Everything that is to be said is there. */
  get complete(): boolean {
    return this.#replies.every(({ complete }) => complete);
  }

  has(item: string): boolean {
    return this.of(item) !== undefined;
  }

  /** False when too many wait. */
  begin(reply: Pick<DirectReplyOptions, 'item' | 'turn' | 'kind'>): boolean {
    if (this.#replies.length >= MOST_WAITING) return false;
    this.#replies.push(new DirectReply({ ...reply, leg: this.#leg, now: this.#now }));
    return true;
  }

  /** Says it now, where {@link open}. */
  fill({ text, line }: Filler, turn: number): void {
    if (!this.open) return;
    const reply = new DirectReply({ item: '', turn, kind: 'answer', filler: true, leg: this.#leg, now: this.#now });
    reply.say(text);
    reply.push(line.sound);
    reply.end();
    this.#replies.unshift(reply);
    this.#play();
  }

  /** The filler is silent from the next frame on. Returns it. */
  hush(): DirectReply | undefined {
    if (!this.filling) return undefined;
    const reply = this.#replies.shift();
    reply?.stop();
    this.#play();
    return reply;
  }

  /** False when no more of it can wait; true also for an answer that was cut. */
  sound(item: string, sound: Sound): boolean {
    const reply = this.of(item);
    const taken = reply?.push(sound) ?? true;
    if (reply && reply === this.#replies[0]) this.#play();
    return taken;
  }

  words(item: string, text: string): void {
    this.of(item)?.say(text);
  }

  /** No more of it comes. Returns it while it is still to be heard. */
  end(item: string): DirectReply | undefined {
    const reply = this.of(item);
    reply?.end();
    if (reply && reply === this.#replies[0]) this.#play();
    return reply;
  }

  /** Once per frame. */
  tick(): void {
    const reply = this.#replies[0];
    if (reply?.tick()) this.#listener.audible(reply);
  }

  duck(decibels: number): void {
    this.#replies[0]?.duck(decibels);
  }

  /** Silence from the next frame on. Returns what was cut, the one that was being played first. */
  stop(): DirectReply[] {
    const cut = this.#replies;
    this.#replies = [];
    for (const reply of cut) reply.stop();
    return cut;
  }

  /** The answer while it is still to be heard. */
  of(item: string): DirectReply | undefined {
    return this.#replies.find((reply) => !reply.filler && reply.item === item);
  }

  #play(): void {
    const reply = this.#replies[0];
    if (!reply || reply.begun || (reply.receivedMs === 0 && !reply.complete)) return;
    void reply.play().then(() => {
      if (reply !== this.#replies[0]) return;
      // Shorter than a tick: it was audible all the same.
      this.tick();
      this.#replies.shift();
      this.#play();
      this.#listener.finished(reply);
    });
  }
}
