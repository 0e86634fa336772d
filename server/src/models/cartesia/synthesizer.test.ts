import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { SoundFormat } from '#audio/frame.ts';
import { msOf } from '#audio/frame.ts';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import type { SpeechPart, SpeechRequest } from '../synthesizer.ts';
import { bytesOf, MS_PER_CHARACTER, piecesOf, soundOfText, startVoicePeer, type VoicePeer, wordsOfText } from '../voice-peer.testing.ts';
import { CartesiaSynthesizer, cartesiaDeadlines } from './synthesizer.ts';
import { cancelInput, flushInput, isCartesiaVoice, readCartesia, textInput } from './wire.ts';

const VOICE = '6ccbfb76-1fc6-48f7-b71d-91ac6298247b';
const OTHER_VOICE = 'f786b574-daa5-4673-aa0c-cbe3e8534c02';

/** Speaks each input at once as the documentation says: chunks, timestamps that count from the context's start, then the end. */
function speaker(leadMs = 0) {
  const spokenMs = new Map<string, number>();
  const flushes = new Map<string, number>();
  return (socket: WebSocket, message: Record<string, unknown>) => {
    const context_id = message.context_id as string;
    const send = (answer: object) => socket.send(JSON.stringify({ status_code: 206, done: false, context_id, ...answer }));
    if (message.cancel) return;
    const text = message.transcript as string;
    const { encoding } = message.output_format as { encoding: string };
    const format: SoundFormat = encoding === 'pcm_mulaw' ? 'mulaw-8000' : 'linear-16000';
    if (text !== '') {
      const fromMs = spokenMs.get(context_id) ?? 0;
      const sound = soundOfText(text.trimEnd(), format, leadMs);
      spokenMs.set(context_id, fromMs + msOf(sound, format));
      const words = wordsOfText(text, fromMs + leadMs);
      for (const piece of piecesOf(bytesOf(sound))) send({ type: 'chunk', data: piece.toString('base64'), step_time: 12.5 });
      send({
        type: 'timestamps',
        word_timestamps: {
          words: words.map((word) => word.text),
          start: words.map((word) => word.fromMs / 1000),
          end: words.map((word) => word.toMs / 1000),
        },
      });
    }
    if (message.flush) {
      flushes.set(context_id, (flushes.get(context_id) ?? 0) + 1);
      send({ type: 'flush_done', flush_done: true, flush_id: flushes.get(context_id), status_code: 226 });
    }
    if (message.continue !== true) send({ type: 'done', done: true, status_code: 200 });
  };
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

function synthesizerAt(
  peer: VoicePeer,
  over: Partial<ConstructorParameters<typeof CartesiaSynthesizer>[1]> = {},
  clock = new SystemClock(),
) {
  const synthesizer = new CartesiaSynthesizer(
    { ...testKit(), clock },
    { apiKey: 'sk_car_test', baseUrl: peer.url, model: 'sonic-3', voice: VOICE, deadlines: cartesiaDeadlines, ...over },
  );
  open.push(synthesizer);
  return synthesizer;
}
async function peerOf(...parameters: Parameters<typeof startVoicePeer>): Promise<VoicePeer> {
  const peer = await startVoicePeer(...parameters);
  open.push(peer);
  return peer;
}
async function speak(synthesizer: CartesiaSynthesizer, text: string, over: Partial<SpeechRequest> = {}): Promise<SpeechPart[]> {
  const parts: SpeechPart[] = [];
  const signal = new AbortController().signal;
  for await (const part of synthesizer.speak({ text, voice: VOICE, language: 'en-US', format: 'mulaw-8000', signal, ...over })) {
    parts.push(part);
  }
  return parts;
}
const lengthOf = (parts: SpeechPart[]) => parts.reduce((sum, { sound }) => sum + msOf(sound, 'mulaw-8000'), 0);

describeSynthesizer('cartesia', {
  make: async () => {
    const peer = await startVoicePeer(speaker(180));
    const synthesizer = synthesizerAt(peer);
    open.splice(open.indexOf(synthesizer), 1);
    const close = synthesizer.close.bind(synthesizer);
    synthesizer.close = async () => {
      await close();
      await peer.close();
    };
    return synthesizer;
  },
  voice: VOICE,
});

test('the documented messages are written and read', () => {
  const voice = { model: 'sonic-3', voice: 'UUID', language: 'en-US', format: 'mulaw-8000' } as const;
  const input = {
    model_id: 'sonic-3',
    transcript: 'Sure, let me check. ',
    voice: { mode: 'id', id: 'UUID' },
    language: 'en',
    context_id: 'turn-7',
    continue: true,
    max_buffer_delay_ms: 0,
    output_format: { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8000 },
    add_timestamps: true,
  };
  expect(textInput('turn-7', 'Sure, let me check. ', voice, true)).toEqual(input);
  expect(flushInput('turn-7', voice)).toEqual({ ...input, transcript: '', flush: true });
  expect(cancelInput('turn-7')).toEqual({ context_id: 'turn-7', cancel: true });
  const read = (message: object) => readCartesia(JSON.stringify({ context_id: 'turn-7', ...message }));
  expect(read({ type: 'chunk', data: '//8=', done: false, status_code: 206, step_time: 3.1 })).toMatchObject({
    context: 'turn-7',
    message: { type: 'sound', bytes: Buffer.from([255, 255]) },
  });
  expect(read({ type: 'timestamps', word_timestamps: { words: ['Sure,'], start: [0.02], end: [0.3] } })?.message).toEqual({
    type: 'words',
    words: [{ text: 'Sure,', fromMs: 20, toMs: 300 }],
  });
  expect(read({ type: 'done', done: true })).toEqual({ context: 'turn-7', message: { type: 'done' }, ended: true });
  for (const [status_code, category] of [
    [401, 'auth'],
    [402, 'auth'],
    [429, 'rate-limited'],
    [400, 'bad-input'],
    [500, 'retryable'],
  ]) {
    expect(read({ type: 'error', error: 'no', status_code, done: true })?.message).toMatchObject({ type: 'error', error: { category } });
  }
  expect(read({ type: 'chunk', data: '<html>' })?.message).toMatchObject({ type: 'error', error: { category: 'retryable' } });
  expect(read({ type: 'timestamps', word_timestamps: { words: ['a'], start: 'x' } })?.message).toEqual({ type: 'words', words: [] });
  expect(read({ type: 'phoneme_timestamps' })).toBeUndefined();
  expect(() => readCartesia('{"type":"chu')).toThrow(/no JSON/);
  expect(isCartesiaVoice(VOICE)).toBe(true);
  expect(isCartesiaVoice('slt')).toBe(false);
});

describe('contexts', () => {
  test('clauses of a reply go on in one context, its melody in one voice; another reply has its own', async () => {
    const peer = await peerOf(speaker());
    const synthesizer = synthesizerAt(peer);
    const first = await speak(synthesizer, 'Your order', { reply: 'a' });
    const second = await speak(synthesizer, 'leaves today.', { reply: 'a' });
    await speak(synthesizer, 'Hello.', { reply: 'b', voice: 'slt' });
    const inputs = peer.received.filter(({ transcript }) => transcript !== '');
    expect(inputs.map(({ transcript }) => transcript)).toEqual(['Your order ', 'leaves today. ', 'Hello. ']);
    expect(inputs[0].context_id).toBe(inputs[1].context_id);
    expect(inputs[2].context_id).not.toBe(inputs[0].context_id);
    expect(inputs[2].voice).toEqual({ mode: 'id', id: VOICE });
    // The times of the second clause count from its own start, though the context's count on.
    expect(second.flatMap(({ words = [] }) => words)[0]).toEqual({ text: 'leaves', fromMs: 0, toMs: 6 * MS_PER_CHARACTER });
    expect(lengthOf(first)).toBe('Your order'.length * MS_PER_CHARACTER);
    expect(peer.sockets).toHaveLength(1);
  });

  test('another voice, and a clause that comes too late for its context, begin a new one', async () => {
    const peer = await peerOf(speaker());
    const clock = new SystemClock();
    let ahead = 0;
    const synthesizer = synthesizerAt(peer, {}, Object.assign(Object.create(clock) as SystemClock, { now: () => clock.now() + ahead }));
    await speak(synthesizer, 'One.', { reply: 'a' });
    await speak(synthesizer, 'Two.', { reply: 'a', voice: OTHER_VOICE });
    ahead = 700;
    await speak(synthesizer, 'Three.', { reply: 'a', voice: OTHER_VOICE });
    const ids = peer.received.filter(({ transcript }) => transcript !== '').map(({ context_id }) => context_id);
    expect(new Set(ids).size).toBe(3);
  });

  test('a context that expired on the way is followed by a new one, unnoticed', async () => {
    const speaking = speaker();
    const seen = new Map<unknown, number>();
    const peer = await peerOf((socket, message) => {
      const inputs = (seen.get(message.context_id) ?? 0) + 1;
      seen.set(message.context_id, inputs);
      // The second clause of the first context meets its end.
      if (seen.size === 1 && inputs > 2) socket.send(JSON.stringify({ type: 'done', done: true, context_id: message.context_id }));
      else speaking(socket, message);
    });
    const synthesizer = synthesizerAt(peer);
    await speak(synthesizer, 'One.', { reply: 'a' });
    expect(lengthOf(await speak(synthesizer, 'Two again.', { reply: 'a' }))).toBe(10 * MS_PER_CHARACTER);
    expect(seen.size).toBe(2);
  });

  test("an abort cancels the context; what still comes for it is nobody else's", async () => {
    let late: (() => void) | undefined;
    const speaking = speaker();
    const peer = await peerOf((socket, message) => {
      if (message.transcript === 'Not this. ') {
        const chunk = bytesOf(soundOfText('Not this.', 'mulaw-8000')).toString('base64');
        socket.send(JSON.stringify({ type: 'chunk', data: chunk, context_id: message.context_id }));
        late = () => socket.send(JSON.stringify({ type: 'chunk', data: chunk, context_id: message.context_id }));
      } else if (message.transcript === 'But this. ') {
        late?.();
        speaking(socket, message);
      } else if (message.context_id !== peer.received[0].context_id) speaking(socket, message);
    });
    const synthesizer = synthesizerAt(peer);
    const controller = new AbortController();
    const reason = new Error('barge-in');
    const work = (async () => {
      for await (const part of synthesizer.speak({
        text: 'Not this.',
        voice: VOICE,
        language: 'en',
        format: 'mulaw-8000',
        reply: 'a',
        signal: controller.signal,
      })) {
        expect(part.sound.length).toBeGreaterThan(0);
        controller.abort(reason);
      }
    })();
    await expect(work).rejects.toBe(reason);
    expect(lengthOf(await speak(synthesizer, 'But this.', { reply: 'a' }))).toBe(9 * MS_PER_CHARACTER);
    const [cancelled] = peer.received.filter(({ cancel }) => cancel);
    expect(cancelled.context_id).toBe(peer.received[0].context_id);
    expect(peer.sockets).toHaveLength(1);
  });

  test('more clauses than a socket carries take a second one', async () => {
    const waiting: (() => void)[] = [];
    const speaking = speaker();
    const peer = await peerOf((socket, message) => {
      waiting.push(() => speaking(socket, message));
      if (waiting.length === 30) for (const answer of waiting) answer();
    });
    const synthesizer = synthesizerAt(peer);
    const all = await Promise.all(Array.from({ length: 30 }, (_, i) => speak(synthesizer, `Line ${i}.`)));
    expect(all.every((parts) => lengthOf(parts) > 0)).toBe(true);
    expect(peer.sockets).toHaveLength(2);
  });
});

describe('faults', () => {
  test('a socket that dies before any sound is replaced, one that dies after it fails its clauses', async () => {
    const speaking = speaker();
    let deaths = 0;
    const peer = await peerOf((socket, message) => {
      if (message.transcript === 'Die. ' && deaths++ === 0) socket.terminate();
      else if (message.transcript === 'Break off. ') {
        socket.send(
          JSON.stringify({
            type: 'chunk',
            data: bytesOf(soundOfText('Break', 'mulaw-8000')).toString('base64'),
            context_id: message.context_id,
          }),
        );
        socket.close(1011);
      } else speaking(socket, message);
    });
    const synthesizer = synthesizerAt(peer);
    expect(lengthOf(await speak(synthesizer, 'Die.'))).toBeGreaterThan(0);
    const broken = await Promise.allSettled([speak(synthesizer, 'Break off.'), speak(synthesizer, 'Break off.')]);
    for (const result of broken) expect(result).toMatchObject({ reason: { vendor: 'cartesia', category: 'retryable' } });
    expect(lengthOf(await speak(synthesizer, 'Again.'))).toBeGreaterThan(0);
    expect(synthesizer.sockets).toBe(1);
  });

  test('a wrong key, too many requests, and an error in one context', async () => {
    let status = 401;
    const refusing = await peerOf(speaker(), () => status);
    const synthesizer = synthesizerAt(refusing);
    const error = await speak(synthesizer, 'Hello.').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ vendor: 'cartesia', category: 'auth' });
    expect(String(error)).not.toContain('sk_car_test');
    status = 429;
    await expect(speak(synthesizer, 'Hello.')).rejects.toMatchObject({ category: 'rate-limited' });
    const peer = await peerOf((socket, message) => {
      if (message.transcript === 'Bad. ')
        socket.send(JSON.stringify({ type: 'error', error: 'bad voice', status_code: 400, done: true, context_id: message.context_id }));
      else speaker()(socket, message);
    });
    const other = synthesizerAt(peer);
    const [bad, good] = await Promise.allSettled([speak(other, 'Bad.'), speak(other, 'Good.')]);
    expect(bad).toMatchObject({ reason: { category: 'bad-input' } });
    expect(good.status).toBe('fulfilled');
  });

  test('garbage instead of sound or JSON fails the clause at once', async () => {
    const peer = await peerOf((socket, message) => {
      if (message.transcript === 'Garbage. ')
        socket.send(JSON.stringify({ type: 'chunk', data: '\u0000###', context_id: message.context_id }));
      else socket.send('{"type":"chunk","da');
    });
    const synthesizer = synthesizerAt(peer);
    await expect(speak(synthesizer, 'Garbage.')).rejects.toMatchObject({ category: 'retryable' });
    await expect(speak(synthesizer, 'Cut.')).rejects.toMatchObject({ category: 'retryable' });
  });

  test('a vendor that says nothing is given up at the deadline; one that forgets the end is not', async () => {
    const silent = await peerOf(() => {});
    const impatient = synthesizerAt(silent, { deadlines: { connectMs: 3_000, firstMs: 60, nextMs: 60 } });
    await expect(speak(impatient, 'Hello.')).rejects.toMatchObject({ category: 'retryable' });
    const speaking = speaker();
    const forgetful = await peerOf((socket, message) => {
      if (!message.flush) speaking(socket, message);
    });
    const patient = synthesizerAt(forgetful, { deadlines: { connectMs: 3_000, firstMs: 3_000, nextMs: 60 } });
    expect(lengthOf(await speak(patient, 'One.', { reply: 'a' }))).toBe(4 * MS_PER_CHARACTER);
    expect(lengthOf(await speak(patient, 'Two.', { reply: 'a' }))).toBe(4 * MS_PER_CHARACTER);
  });
});

test('markup is not sent, and nothing to say sends nothing', async () => {
  const peer = await peerOf(speaker());
  const synthesizer = synthesizerAt(peer);
  await speak(synthesizer, '**Good** <break time="9s"/> [morning](http://x) 🙂.');
  await speak(synthesizer, '—…');
  expect(peer.received.map(({ transcript }) => transcript)).toEqual(['Good morning . ']);
  await expect(speak(synthesizer, 'a'.repeat(5_000))).rejects.toMatchObject({ category: 'bad-input' });
});
