/**
 * One caller's page, from the first press to the last word.
 *
 *   ready ──call──▶ connecting ──answered──▶ talking ──ended / hang up──▶ ended ──call──▶ connecting
 *     ▲                 │ refused               │ connection gone
 *     │                 ▼                       ▼
 *     └──────────── refused ──call──▶        lost ──call──▶ connecting
 */
import type { Ending, TalkSession } from '@tandem/contract';
import { endingInWords } from '../../lib/format.ts';
import { faultOf } from '../../ui/states.tsx';
import { type Caption, takeCaption } from './captions.ts';
import { type Recognition, startRecognition } from './recognition.ts';
import { type MicrophoneFault, openMicrophone, openSound, type Sound } from './sound.ts';
import { askSession, isUnknown, TalkLine } from './talk-line.ts';

export type TalkPhase = 'ready' | 'connecting' | 'talking' | 'ended' | 'refused' | 'lost';

export type TalkState = {
  phase: TalkPhase;
  assistantName: string | undefined;
  /** No assistant answers at this address. */
  unknown: boolean;
  /** Why the caller can only type; undefined while there is a microphone or nobody has asked for it. */
  microphoneFault: MicrophoneFault | undefined;
  muted: boolean;
  /** Who turns the caller's speech into words. */
  recognises: 'browser' | 'server';
  captions: readonly Caption[];
  answeredAt: number | undefined;
  endedAt: number | undefined;
  /** How it ended, or why it did not begin. */
  sentence: string | undefined;
};

/** A session is good for a minute; an older one is fetched again. */
const SESSION_GOOD_MS = 40_000;

const start: TalkState = {
  phase: 'ready',
  assistantName: undefined,
  unknown: false,
  microphoneFault: undefined,
  muted: false,
  recognises: 'server',
  captions: [],
  answeredAt: undefined,
  endedAt: undefined,
  sentence: undefined,
};

export class TalkCall {
  /** Read by the meters on every animation frame; root mean squares from 0 to 1. */
  readonly levels = { caller: 0, assistant: 0 };
  readonly #assistant: string;
  #state = start;
  #listeners = new Set<() => void>();
  #session: { session: TalkSession; at: number } | undefined;
  #line: TalkLine | undefined;
  #sound: Sound | undefined;
  #recognition: Recognition | undefined;
  #playedMs = 0;
  /** Counts calls, so that what belongs to an earlier one finds itself out of date. */
  #epoch = 0;

  constructor(assistant: string) {
    this.#assistant = assistant;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly state = (): TalkState => this.#state;

  /** Learns who answers here, before anybody calls. */
  async prepare(): Promise<void> {
    try {
      const session = await askSession(this.#assistant);
      this.#session = { session, at: performance.now() };
      this.#learnName(session);
    } catch (error) {
      if (isUnknown(error)) this.#set({ unknown: true });
    }
  }

  /** Places the call; must be called from a press, or browsers give neither microphone nor sound. */
  async call(): Promise<void> {
    if (this.#state.phase === 'connecting' || this.#state.phase === 'talking') return;
    const epoch = ++this.#epoch;
    this.#set({ ...start, assistantName: this.#state.assistantName, phase: 'connecting' });
    const context = new AudioContext({ latencyHint: 'interactive' });
    try {
      const microphone = await openMicrophone();
      const stream = typeof microphone === 'string' ? undefined : microphone;
      if (epoch !== this.#epoch) return closeAll(context, stream);
      this.#set({ microphoneFault: typeof microphone === 'string' ? microphone : undefined });
      const [sound, recognition] = await Promise.all([
        openSound(context, stream, {
          frame: (frame, level) => {
            if (epoch !== this.#epoch) return;
            this.levels.caller = level;
            this.#line?.sendFrame(frame);
          },
          played: ({ playedMs, level }) => {
            if (epoch !== this.#epoch) return;
            this.levels.assistant = level;
            if (playedMs !== this.#playedMs) this.#line?.send({ type: 'played', ms: Math.round(playedMs) });
            this.#playedMs = playedMs;
          },
        }),
        stream ? this.#startRecognition(epoch, stream) : undefined,
      ]);
      if (epoch !== this.#epoch) {
        recognition?.close();
        return sound.close();
      }
      this.#sound = sound;
      this.#recognition = recognition;
      await this.#connect(epoch, recognition !== undefined);
    } catch (error) {
      if (epoch !== this.#epoch) return;
      if (!this.#sound) closeAll(context, undefined);
      this.#end('refused', isUnknown(error) ? 'No assistant answers here.' : faultOf(error));
    }
  }

  hangUp(): void {
    if (this.#state.phase === 'connecting') return this.#end('ended', 'You hung up before the answer.');
    if (this.#state.phase === 'talking') this.#end('ended', 'You hung up.');
  }

  /** Leaves without a word on screen: the page goes away. */
  close(): void {
    this.#epoch++;
    this.#release();
  }

  setMuted(muted: boolean): void {
    this.#sound?.setMuted(muted);
    this.#recognition?.setMuted(muted);
    this.#set({ muted });
  }

  sendDigit(digit: string): void {
    this.#line?.send({ type: 'digit', digit });
  }

  sendTyped(text: string): void {
    const typed = text.trim().slice(0, 500);
    if (typed) this.#line?.send({ type: 'typed', text: typed });
  }

  async #connect(epoch: number, recognises: boolean): Promise<void> {
    const fresh = this.#session && performance.now() - this.#session.at < SESSION_GOOD_MS ? this.#session.session : undefined;
    this.#session = undefined;
    const session = fresh ?? (await askSession(this.#assistant));
    if (epoch !== this.#epoch) return;
    const now = () => epoch === this.#epoch;
    this.#playedMs = 0;
    this.#learnName(session);
    this.#set({ recognises: recognises ? 'browser' : 'server', captions: [] });
    const line: TalkLine = new TalkLine(session, recognises, {
      answered: () => now() && this.#set({ phase: 'talking', answeredAt: this.#state.answeredAt ?? Date.now() }),
      sound: (frame) => now() && this.#sound?.play(frame),
      clear: () => now() && this.#sound?.clear(),
      caption: (caption) => now() && this.#set({ captions: takeCaption(this.#state.captions, caption) }),
      ended: (by, reason) => now() && this.#end('ended', `${endingInWords({ by, reason } as Ending)}.`),
      refused: (message) => now() && this.#end('refused', message),
      lost: () => now() && this.#end('lost', 'The connection was lost.'),
    });
    this.#line = line;
  }

  /** A gateway that knows no name answers with the address, which the page shows in its own way. */
  #learnName({ assistantName }: TalkSession): void {
    if (assistantName !== this.#assistant) this.#set({ assistantName });
  }

  #startRecognition(epoch: number, stream: MediaStream): Promise<Recognition | undefined> {
    return startRecognition(stream.getAudioTracks()[0], navigator.language || 'en', {
      transcript: (text, final, confidence) => {
        const message = { type: 'transcript', text: text.slice(0, 2_000), final } as const;
        if (epoch === this.#epoch) this.#line?.send(confidence === undefined ? message : { ...message, confidence });
      },
      failed: () => {
        if (epoch !== this.#epoch) return;
        this.#recognition = undefined;
        // The server was told that words would come from here; a new call tells it that they will not.
        this.#line?.close();
        this.#sound?.clear();
        this.#connect(epoch, false).catch((error: unknown) => this.#end('lost', faultOf(error)));
      },
    });
  }

  #end(phase: TalkPhase, sentence: string): void {
    this.#epoch++;
    this.#release();
    const captions = this.#state.captions.map((caption) => ({ ...caption, final: true }));
    this.#set({ phase, sentence, captions, muted: false, endedAt: Date.now() });
  }

  #release(): void {
    this.#line?.close();
    this.#recognition?.close();
    this.#sound?.close();
    this.#line = undefined;
    this.#recognition = undefined;
    this.#sound = undefined;
    this.levels.caller = 0;
    this.levels.assistant = 0;
  }

  #set(change: Partial<TalkState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function closeAll(context: AudioContext, stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
  if (context.state !== 'closed') void context.close();
}
