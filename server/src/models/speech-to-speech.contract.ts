/** What every speech-to-speech model keeps to. A room's test calls this with a way to make one and a vendor that is told what to do. */
import { afterEach, describe, expect, test } from 'vitest';
import { FRAME_MS, type Frame, msOf, samplesPerFrame, type Sound, type SoundFormat } from '#audio/frame.ts';
import { levelOf } from '#audio/level.ts';
import type { ModelToolCall } from './language-model.ts';
import type { SpeechSession, SpeechSessionListener, SpeechToSpeech, SpeechUsage } from './speech-to-speech.ts';
import { soundOfText } from './voice-peer.testing.ts';

/** The vendor's side, in the words of the contract; it speaks its own protocol. */
export interface SpeechPeer {
  /** Base URL for the room. */
  url: string;
  /** The vendor hears a turn of the caller and answers it. */
  turn(turn: { said: string; answer: string }): void;
  /** It begins an answer and does not end it. */
  begin(answer: string): void;
  call(call: { id: string; name: string; arguments: string }): void;
  /** Milliseconds of sound that came. */
  heardMs(): number;
  /** What was asked to be said, typed, told of tools, and truncated, in order. */
  asked(): { say?: string; typed?: string; tool?: string; truncatedMs?: number; cancelled?: true }[];
  /** Resolves when the last of `asked` is there. */
  until(happened: () => boolean): Promise<void>;
  drop(): void;
  close(): Promise<void>;
}

export interface SpeechToSpeechContract {
  peer: (options?: { refuse?: number }) => Promise<SpeechPeer>;
  make: (peer: SpeechPeer) => SpeechToSpeech;
  /** False where the vendor cannot be told what the caller heard. */
  truncates?: boolean;
}

export interface Heard {
  events: string[];
  sounds: { item: string; sound: Sound }[];
  words: string;
  said: string[];
  calls: ModelToolCall[];
  usage: SpeechUsage[];
  failed: unknown;
  until(event: string | (() => boolean)): Promise<void>;
}

/** A listener that keeps everything. */
export function keepingListener(): Heard & { listener: SpeechSessionListener } {
  const waiting = new Set<() => void>();
  const heard = { events: [], sounds: [], words: '', said: [], calls: [], usage: [], failed: undefined } as unknown as Heard;
  const note = (event: string) => {
    heard.events.push(event);
    for (const look of waiting) look();
  };
  heard.until = (event) =>
    new Promise((resolve) => {
      const look = () => {
        if (typeof event === 'string' ? !heard.events.includes(event) : !event()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const listener: SpeechSessionListener = {
    ready: () => note('ready'),
    speechStarted: () => note('speech-started'),
    speechStopped: () => note('speech-stopped'),
    turnCommitted: () => note('turn-committed'),
    callerSaid: (text, final) => {
      if (final) heard.said.push(text);
      note(final ? 'said' : 'saying');
    },
    answerStarted: () => note('answer-started'),
    sound: (item, sound) => {
      heard.sounds.push({ item, sound });
      note('sound');
    },
    words: (_item, text) => {
      heard.words += text;
      note('words');
    },
    answerEnded: (_item, how) => note(how),
    toolCalled: (call) => {
      heard.calls.push(call);
      note('tool-called');
    },
    used: (usage) => {
      heard.usage.push(usage);
      note('used');
    },
    failed: (error) => {
      heard.failed = error;
      note('failed');
    },
  };
  return Object.assign(heard, { listener });
}

/** Frames of a caller who speaks, from `at` on. */
export function pushSpeech(session: SpeechSession, format: SoundFormat, frames: number, at = 0): void {
  const sound = soundOfText('A caller who speaks.', format);
  const size = samplesPerFrame(format);
  for (let i = 0; i < frames; i++) {
    const from = (i * size) % (sound.length - size);
    const frame: Frame = { at: at + i * FRAME_MS, format, sound: sound.subarray(from, from + size), concealed: false };
    session.push(frame);
  }
}

export function describeSpeechToSpeech(name: string, { peer: startPeer, make, truncates = true }: SpeechToSpeechContract): void {
  describe(`${name} as speech to speech`, () => {
    const open: { close(): unknown }[] = [];
    afterEach(async () => {
      for (const part of open.splice(0).toReversed()) await part.close();
    });

    const start = async (format: SoundFormat = 'mulaw-8000', options?: { refuse?: number }) => {
      const peer = await startPeer(options);
      const model = make(peer);
      const heard = keepingListener();
      const session = model.open({
        format,
        instructions: 'Answer briefly.',
        language: 'en-US',
        voice: 'slt',
        tools: [{ name: 'look_up', description: 'Looks it up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } }],
        eagerness: 'medium',
        listener: heard.listener,
      });
      open.push(peer, model);
      return { peer, model, heard, session };
    };

    test.each(['mulaw-8000', 'linear-16000'] as SoundFormat[])(
      "%s: a turn from the caller's voice to the end of the answer",
      async (format) => {
        const { peer, heard, session } = await start(format);
        pushSpeech(session, format, 50);
        await heard.until('ready');
        pushSpeech(session, format, 50, 1_000);
        await peer.until(() => peer.heardMs() >= 1_950);
        peer.turn({ said: 'When are you open?', answer: 'From nine to five.' });
        await heard.until('complete');
        await heard.until('said');
        expect(heard.said).toEqual(['When are you open?']);
        expect(heard.words.trim()).toBe('From nine to five.');
        const order = ['ready', 'turn-committed', 'answer-started', 'sound', 'complete'].map((event) => heard.events.indexOf(event));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        expect(Math.min(...order)).toBeGreaterThanOrEqual(0);
        const totalMs = heard.sounds.reduce((sum, { sound }) => sum + msOf(sound, format), 0);
        expect(Math.abs(totalMs - 18 * 60)).toBeLessThan(40);
        for (const { sound } of heard.sounds) expect(sound).toBeInstanceOf(format === 'mulaw-8000' ? Uint8Array : Int16Array);
        expect(levelOf(heard.sounds[Math.floor(heard.sounds.length / 2)].sound)).toBeGreaterThan(-30);
        expect(heard.failed).toBeUndefined();
      },
    );

    test('sound before the session is ready is kept, 2 s of it', async () => {
      const { peer, heard, session } = await start();
      pushSpeech(session, 'mulaw-8000', 150);
      await heard.until('ready');
      await peer.until(() => peer.heardMs() >= 2_000);
      expect(peer.heardMs()).toBe(2_000);
    });

    test('says what it is told, before it is ready too, and takes typed words', async () => {
      const { peer, heard, session } = await start();
      session.say('Welcome to the bakery.');
      await heard.until('ready');
      await peer.until(() => peer.asked().some(({ say }) => say?.includes('Welcome to the bakery.')));
      await heard.until('complete');
      session.typed('My number is 42.');
      await peer.until(() => peer.asked().some(({ typed }) => typed === 'My number is 42.'));
      await heard.until(() => heard.events.filter((event) => event === 'complete').length === 2);
    });

    test('a tool is called once, its result told, and the answer goes on', async () => {
      const { peer, heard, session } = await start();
      await heard.until('ready');
      peer.call({ id: 'call_1', name: 'look_up', arguments: '{"id":"A7"}' });
      await heard.until('tool-called');
      expect(heard.calls).toMatchObject([{ id: 'call_1', name: 'look_up', arguments: { id: 'A7' } }]);
      session.toolReturned('no-such-call', 'ignored');
      session.toolReturned('call_1', '{"state":"sent"}');
      session.toolReturned('call_1', 'twice');
      await heard.until('complete');
      expect(peer.asked().filter(({ tool }) => tool !== undefined)).toEqual([{ tool: '{"state":"sent"}' }]);
    });

    test('an interrupted answer is silent at once, and never truncated beyond what came', async () => {
      const { peer, heard, session } = await start();
      await heard.until('ready');
      peer.begin('An answer that goes on');
      await heard.until('sound');
      session.cancel();
      if (truncates) {
        session.truncate(heard.sounds[0].item, 999_999);
        await peer.until(() => peer.asked().some(({ truncatedMs }) => truncatedMs !== undefined));
        const receivedMs = heard.sounds.reduce((sum, { sound }) => sum + msOf(sound, 'mulaw-8000'), 0);
        for (const { truncatedMs } of peer.asked()) if (truncatedMs !== undefined) expect(truncatedMs).toBeLessThanOrEqual(receivedMs);
        session.truncate('no-such-item', 100);
        await heard.until('cancelled');
      }
    });

    test('a refused connection and a lost one arrive as failures, once', async () => {
      const refused = await start('mulaw-8000', { refuse: 401 });
      await refused.heard.until('failed');
      expect(refused.heard.failed).toMatchObject({ category: 'auth' });
      const lost = await start();
      await lost.heard.until('ready');
      lost.peer.drop();
      await lost.heard.until('failed');
      expect(lost.heard.failed).toMatchObject({ category: 'retryable' });
      pushSpeech(lost.session, 'mulaw-8000', 5);
      lost.session.say('Nobody hears it.');
      lost.session.close();
      expect(lost.heard.events.filter((event) => event === 'failed')).toHaveLength(1);
    });

    test('nothing is told after it was closed', async () => {
      const { peer, heard, session } = await start();
      await heard.until('ready');
      session.close();
      const before = heard.events.length;
      peer.turn({ said: 'Hello?', answer: 'Hello.' });
      session.cancel();
      session.truncate('x', 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard.events).toHaveLength(before);
    });
  });
}
