import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { msOf } from '#audio/frame.ts';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import type { SpeechPart, SpeechRequest } from '../synthesizer.ts';
import { bytesOf, MS_PER_CHARACTER, piecesOf, soundOfText, startVoicePeer, type VoicePeer } from '../voice-peer.testing.ts';
import { ElevenLabsSynthesizer, elevenLabsDeadlines, type ElevenLabsOptions } from './synthesizer.ts';
import { CharacterWords, clauseInputs, closeInput, isElevenLabsVoice, readElevenLabs, socketUrl } from './wire.ts';

const VOICE = '21m00Tcm4TlvDq8ikWAM';

interface SpeakerOptions {
  leadMs?: number;
  /** Times of each message count from the context's start. */
  absolute?: boolean;
  alignment?: boolean;
  final?: boolean;
}

/** Speaks what was flushed, each piece of sound with the characters it holds; `isFinal` when the context is closed. */
function speaker({ leadMs = 0, absolute = false, alignment = true, final = true }: SpeakerOptions = {}) {
  const texts = new Map<string, string>();
  return (socket: WebSocket, message: Record<string, unknown>, request: { url?: string }) => {
    const contextId = message.context_id as string;
    const send = (answer: object) => socket.send(JSON.stringify({ contextId, ...answer }));
    if (message.close_context) {
      if (final) send({ audio: null, isFinal: true });
      return;
    }
    texts.set(contextId, (texts.get(contextId) ?? '') + (message.text as string));
    if (!message.flush) return;
    const format = request.url?.includes('ulaw_8000') ? 'mulaw-8000' : 'linear-16000';
    const text = (texts.get(contextId) ?? '').trim();
    const characters = Array.from(text, (char, i) => ({ char, startMs: leadMs + i * MS_PER_CHARACTER }));
    let atMs = 0;
    for (const piece of piecesOf(bytesOf(soundOfText(text, format, leadMs)), 2_401)) {
      const toMs = atMs + (format === 'mulaw-8000' ? piece.length / 8 : piece.length / 32);
      const held = characters.filter(({ startMs }) => startMs >= atMs && startMs < toMs);
      send({
        audio: piece.toString('base64'),
        alignment: alignment
          ? {
              chars: held.map(({ char }) => char),
              charStartTimesMs: held.map(({ startMs }) => startMs - (absolute ? 0 : atMs)),
              charDurationsMs: held.map(() => MS_PER_CHARACTER),
            }
          : null,
        normalizedAlignment: null,
        isFinal: null,
      });
      atMs = toMs;
    }
  };
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

function make(peer: VoicePeer, over: Partial<ElevenLabsOptions> = {}) {
  return new ElevenLabsSynthesizer(
    { ...testKit(), clock: new SystemClock() },
    { apiKey: 'xi-test', baseUrl: peer.url, model: 'eleven_flash_v2_5', voice: VOICE, deadlines: elevenLabsDeadlines, ...over },
  );
}
function synthesizerAt(peer: VoicePeer, over: Partial<ElevenLabsOptions> = {}) {
  const synthesizer = make(peer, over);
  open.push(synthesizer);
  return synthesizer;
}
async function peerOf(...parameters: Parameters<typeof startVoicePeer>): Promise<VoicePeer> {
  const peer = await startVoicePeer(...parameters);
  open.push(peer);
  return peer;
}
async function speak(synthesizer: ElevenLabsSynthesizer, text: string, over: Partial<SpeechRequest> = {}): Promise<SpeechPart[]> {
  const parts: SpeechPart[] = [];
  const signal = new AbortController().signal;
  for await (const part of synthesizer.speak({ text, voice: VOICE, language: 'en-US', format: 'mulaw-8000', signal, ...over })) {
    parts.push(part);
  }
  return parts;
}
const lengthOf = (parts: SpeechPart[]) => parts.reduce((sum, { sound }) => sum + msOf(sound, 'mulaw-8000'), 0);
const wordsOf = (parts: SpeechPart[]) => parts.flatMap(({ words = [] }) => words);

describeSynthesizer('elevenlabs', {
  make: async () => {
    const peer = await startVoicePeer(speaker({ leadMs: 120 }));
    const synthesizer = make(peer);
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
  const url = new URL(
    socketUrl({ baseUrl: 'https://api.elevenlabs.io/', model: 'eleven_flash_v2_5', voice: VOICE, language: 'en-GB', format: 'mulaw-8000' }),
  );
  expect(`${url.protocol}//${url.host}${url.pathname}`).toBe(`wss://api.elevenlabs.io/v1/text-to-speech/${VOICE}/multi-stream-input`);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    model_id: 'eleven_flash_v2_5',
    output_format: 'ulaw_8000',
    auto_mode: 'true',
    inactivity_timeout: '180',
    sync_alignment: 'true',
    language_code: 'en',
  });
  expect(clauseInputs('c1', 'Sure,')).toEqual([
    { text: ' ', voice_settings: { stability: 0.5, similarity_boost: 0.8 }, context_id: 'c1' },
    { text: 'Sure, ', context_id: 'c1' },
    { text: '', context_id: 'c1', flush: true },
  ]);
  expect(closeInput('c1')).toEqual({ context_id: 'c1', close_context: true });
  const read = (message: object) => readElevenLabs(JSON.stringify({ contextId: 'c1', ...message }));
  expect(read({ audio: '//8=', alignment: { chars: ['H', 'i'], charStartTimesMs: [0, 60], charDurationsMs: [60, 50] } })).toMatchObject({
    context: 'c1',
    message: { sound: Buffer.from([255, 255]), characters: { chars: ['H', 'i'], startsMs: [0, 60], durationsMs: [60, 50] } },
  });
  expect(read({ isFinal: true })).toMatchObject({ message: { final: true }, ended: true });
  expect(read({ audio: '<p>' })?.message.error?.category).toBe('retryable');
  for (const [error, category] of [
    ['quota_exceeded', 'auth'],
    ['max_active_conversations', 'rate-limited'],
    ['voice_id_does_not_exist', 'bad-input'],
    ['internal', 'retryable'],
  ]) {
    expect(readElevenLabs(JSON.stringify({ error, message: '-', code: 1008 }))?.message.error?.category).toBe(category);
  }
  expect(readElevenLabs('{"audio":"//8="}')).toBeUndefined();
  expect(() => readElevenLabs('<html>')).toThrow(/no JSON/);
  expect(isElevenLabsVoice(VOICE)).toBe(true);
  expect(isElevenLabsVoice('slt')).toBe(false);
});

test('characters become words across messages, whichever way their times count', () => {
  for (const secondFromMs of [0, 120]) {
    const words = new CharacterWords();
    const first = words.push({ chars: ['I', ' ', 'g'], startsMs: [0, 40, 80], durationsMs: [40, 40, 40] }, 0);
    const second = words.push({ chars: ['o', '.'], startsMs: [secondFromMs, secondFromMs + 40], durationsMs: [40, 40] }, 120);
    expect([...first, ...second, ...words.end()]).toEqual([
      { text: 'I', fromMs: 0, toMs: 40 },
      { text: 'go.', fromMs: 80, toMs: 200 },
    ]);
    expect(words.count).toBe(4);
  }
});

describe('clauses', () => {
  test('a fast model is given numbers as words; the written ones are timed', async () => {
    const peer = await peerOf(speaker({ absolute: true }));
    const parts = await speak(synthesizerAt(peer), 'It costs $45 today.');
    expect(peer.received.find(({ text }) => String(text).trim() !== '')).toMatchObject({ text: 'It costs forty five dollars today. ' });
    expect(wordsOf(parts).map(({ text }) => text)).toEqual(['It', 'costs', '$45', 'today.']);
    expect(wordsOf(parts)[2]).toMatchObject({ fromMs: 9 * MS_PER_CHARACTER, toMs: 27 * MS_PER_CHARACTER });
  });

  test('the context is closed behind the last character; without isFinal the clause ends all the same', async () => {
    const peer = await peerOf(speaker({ final: false }));
    const synthesizer = synthesizerAt(peer);
    expect(lengthOf(await speak(synthesizer, 'One clause.'))).toBe(11 * MS_PER_CHARACTER);
    expect(peer.received.filter(({ close_context }) => close_context)).toHaveLength(1);
    const silent = await peerOf(speaker({ alignment: false, final: false }));
    const patient = synthesizerAt(silent, { deadlines: { connectMs: 3_000, firstMs: 3_000, nextMs: 80 } });
    const parts = await speak(patient, 'No times at all.');
    expect(wordsOf(parts).map(({ text }) => text)).toEqual(['No', 'times', 'at', 'all.']);
  });

  test('a socket carries four; a voice and a format have sockets of their own', async () => {
    const peer = await peerOf(speaker());
    const synthesizer = synthesizerAt(peer);
    await Promise.all(Array.from({ length: 9 }, (_, i) => speak(synthesizer, `Line ${i}.`)));
    expect(peer.sockets.length).toBe(3);
    await speak(synthesizer, 'Another voice.', { voice: 'AZnzlk1XvdvUeBnXmlld' });
    await speak(synthesizer, 'An unknown voice.', { voice: 'slt' });
    await speak(synthesizer, 'Another format.', { format: 'linear-16000' });
    expect(
      peer.requests.slice(3).map(({ url }) => [/speech\/(\w+)/.exec(url ?? '')?.[1], /output_format=(\w+)/.exec(url ?? '')?.[1]]),
    ).toEqual([
      ['AZnzlk1XvdvUeBnXmlld', 'ulaw_8000'],
      [VOICE, 'pcm_16000'],
    ]);
    expect(peer.requests[0].headers['xi-api-key']).toBe('xi-test');
  });

  test('an abort closes the context, and its place stays taken until the vendor has ended it', async () => {
    const peer = await peerOf((socket, message, request) => {
      if (message.context_id === peer.received[0].context_id) {
        if (message.flush)
          socket.send(
            JSON.stringify({ contextId: message.context_id, audio: bytesOf(soundOfText('Not', 'mulaw-8000')).toString('base64') }),
          );
      } else speaking(socket, message, request);
    });
    const speaking = speaker();
    const synthesizer = synthesizerAt(peer);
    for await (const part of synthesizer.speak({
      text: 'Not this.',
      voice: VOICE,
      language: 'en',
      format: 'mulaw-8000',
      signal: new AbortController().signal,
    })) {
      expect(part.sound.length).toBeGreaterThan(0);
      break;
    }
    await Promise.all(Array.from({ length: 4 }, (_, i) => speak(synthesizer, `Line ${i}.`)));
    expect(peer.received.some(({ close_context, context_id }) => close_context && context_id === peer.received[0].context_id)).toBe(true);
    expect(peer.sockets).toHaveLength(2);
  });
});

describe('faults', () => {
  test('a dead socket before the first sound is replaced once; refusals keep their category', async () => {
    const speaking = speaker();
    let deaths = 0;
    const peer = await peerOf((socket, message, request) => {
      if (message.text === 'Die. ' && deaths++ === 0) socket.terminate();
      else speaking(socket, message, request);
    });
    expect(lengthOf(await speak(synthesizerAt(peer), 'Die.'))).toBeGreaterThan(0);
    const refusing = await peerOf(speaker(), () => 401);
    await expect(speak(synthesizerAt(refusing), 'Hello.')).rejects.toMatchObject({ vendor: 'elevenlabs', category: 'auth' });
    const full = await peerOf((socket) => socket.close(1008, 'max_active_conversations'));
    await expect(speak(synthesizerAt(full), 'Hello.')).rejects.toMatchObject({ category: 'rate-limited' });
  });

  test('garbage and silence end a clause at once, or at the deadline', async () => {
    const peer = await peerOf((socket, message) => {
      if (message.flush) socket.send(JSON.stringify({ contextId: message.context_id, audio: '###' }));
    });
    await expect(speak(synthesizerAt(peer), 'Hello.')).rejects.toMatchObject({ category: 'retryable' });
    const silent = await peerOf(() => {});
    const impatient = synthesizerAt(silent, { deadlines: { connectMs: 3_000, firstMs: 60, nextMs: 60 } });
    await expect(speak(impatient, 'Hello.')).rejects.toMatchObject({ category: 'retryable' });
  });
});
