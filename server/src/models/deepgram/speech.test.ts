import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { msOf } from '#audio/frame.ts';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import type { SpeechPart, SpeechRequest } from '../synthesizer.ts';
import { bytesOf, MS_PER_CHARACTER, piecesOf, soundOfText, startVoicePeer, type VoicePeer } from '../voice-peer.testing.ts';
import { DeepgramSynthesizer, type DeepgramSpeechOptions, deepgramSpeechDeadlines } from './speech.ts';
import { isAuraVoice, readAura, speakUrl } from './speech-wire.ts';

const VOICE = 'aura-2-thalia-en';

/** Gathers text until it is flushed; sound comes as plain bytes. */
function speaker(leadMs = 0) {
  const texts = new Map<WebSocket, string>();
  return (socket: WebSocket, message: Record<string, unknown>, request: { url?: string }) => {
    const format = request.url?.includes('encoding=mulaw') ? 'mulaw-8000' : 'linear-16000';
    if (message.type === 'Speak') texts.set(socket, (texts.get(socket) ?? '') + (message.text as string));
    else if (message.type === 'Clear') socket.send(JSON.stringify({ type: 'Cleared', sequence_id: 0 }));
    else if (message.type === 'Flush') {
      for (const piece of piecesOf(bytesOf(soundOfText(texts.get(socket) ?? '', format, leadMs)))) socket.send(piece);
      texts.delete(socket);
      socket.send(JSON.stringify({ type: 'Flushed', sequence_id: 0 }));
    }
  };
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

function make(peer: VoicePeer, over: Partial<DeepgramSpeechOptions> = {}) {
  return new DeepgramSynthesizer(
    { ...testKit(), clock: new SystemClock() },
    { apiKey: 'dg-test', baseUrl: peer.url, voice: VOICE, deadlines: deepgramSpeechDeadlines, ...over },
  );
}
function synthesizerAt(peer: VoicePeer, over: Partial<DeepgramSpeechOptions> = {}) {
  const synthesizer = make(peer, over);
  open.push(synthesizer);
  return synthesizer;
}
async function peerOf(...parameters: Parameters<typeof startVoicePeer>): Promise<VoicePeer> {
  const peer = await startVoicePeer(...parameters);
  open.push(peer);
  return peer;
}
async function speak(synthesizer: DeepgramSynthesizer, text: string, over: Partial<SpeechRequest> = {}): Promise<SpeechPart[]> {
  const parts: SpeechPart[] = [];
  const signal = new AbortController().signal;
  for await (const part of synthesizer.speak({ text, voice: VOICE, language: 'en', format: 'mulaw-8000', signal, ...over }))
    parts.push(part);
  return parts;
}
const lengthOf = (parts: SpeechPart[]) => parts.reduce((sum, { sound }) => sum + msOf(sound, 'mulaw-8000'), 0);

describeSynthesizer('deepgram', {
  make: async () => {
    const peer = await startVoicePeer(speaker(200));
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
  expect(speakUrl('https://api.deepgram.com', VOICE, 'mulaw-8000')).toBe(
    'wss://api.deepgram.com/v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000',
  );
  expect(speakUrl('https://api.deepgram.com', VOICE, 'linear-16000')).toContain('encoding=linear16&sample_rate=16000');
  expect(readAura(new Uint8Array([1]))).toEqual({ type: 'sound', bytes: new Uint8Array([1]) });
  expect(readAura('{"type":"Flushed","sequence_id":0}')).toEqual({ type: 'flushed' });
  expect(readAura('{"type":"Cleared","sequence_id":0}')).toEqual({ type: 'cleared' });
  expect(readAura('{"type":"Metadata","request_id":"x"}')).toBeUndefined();
  expect(readAura('{"type":"Warning","code":"EXCESSIVE_FLUSH","description":"slow down"}')).toEqual({
    type: 'warning',
    text: 'EXCESSIVE_FLUSH: slow down',
  });
  expect(readAura('{"type":"Error","err_code":"DATA-0001","err_msg":"invalid"}')).toMatchObject({ error: { category: 'bad-input' } });
  expect(() => readAura('nothing')).toThrow(/no JSON/);
  expect([VOICE, 'aura-asteria-en', 'slt', 'aura-2/../x'].map(isAuraVoice)).toEqual([true, true, false, false]);
});

describe('lines', () => {
  test('clauses one after the other share a socket, at once they take one each', async () => {
    const peer = await peerOf(speaker());
    const synthesizer = synthesizerAt(peer);
    for (const text of ['One.', 'Two.', 'Three.']) expect(lengthOf(await speak(synthesizer, text))).toBe(text.length * MS_PER_CHARACTER);
    expect(peer.sockets).toHaveLength(1);
    await Promise.all(['One.', 'Two.', 'Three.'].map((text) => speak(synthesizer, text, { voice: 'slt' })));
    expect(peer.sockets).toHaveLength(3);
    expect(peer.requests[0].headers.authorization).toBe('Token dg-test');
  });

  test('an interrupted line is used again only when the vendor has cleared it', async () => {
    const speaking = speaker();
    let clear = () => {};
    const peer = await peerOf((socket, message, request) => {
      if (message.type === 'Clear') clear = () => speaking(socket, message, request);
      else if (message.type === 'Flush' && peer.sockets.length === 1 && peer.received.length === 2)
        socket.send(bytesOf(soundOfText('Not', 'mulaw-8000')));
      else speaking(socket, message, request);
    });
    const synthesizer = synthesizerAt(peer);
    const controller = new AbortController();
    const work = (async () => {
      for await (const part of synthesizer.speak({
        text: 'Not this.',
        voice: VOICE,
        language: 'en',
        format: 'mulaw-8000',
        signal: controller.signal,
      })) {
        expect(part.sound.length).toBeGreaterThan(0);
        controller.abort(new Error('barge-in'));
      }
    })();
    await expect(work).rejects.toThrow('barge-in');
    expect(lengthOf(await speak(synthesizer, 'But this.'))).toBe(9 * MS_PER_CHARACTER);
    expect(peer.sockets).toHaveLength(2);
    clear();
    await speak(synthesizer, 'On the second.');
    expect(peer.sockets).toHaveLength(2);
  });

  test('a socket takes no more flushes in a minute than the vendor allows', async () => {
    const peer = await peerOf(speaker());
    const synthesizer = synthesizerAt(peer);
    for (let i = 0; i < 21; i++) await speak(synthesizer, `Line ${i}.`);
    expect(peer.sockets).toHaveLength(2);
  });
});

describe('faults', () => {
  test('a dead socket before the first sound is replaced once, behind it the clause fails', async () => {
    const speaking = speaker();
    let deaths = 0;
    const peer = await peerOf((socket, message, request) => {
      if (message.text === 'Die.' && deaths++ === 0) socket.terminate();
      else if (message.text === 'Break.') {
        socket.send(bytesOf(soundOfText('Br', 'mulaw-8000')));
        socket.close(1011);
      } else speaking(socket, message, request);
    });
    const synthesizer = synthesizerAt(peer);
    expect(lengthOf(await speak(synthesizer, 'Die.'))).toBeGreaterThan(0);
    await expect(speak(synthesizer, 'Break.')).rejects.toMatchObject({ vendor: 'deepgram', category: 'retryable' });
    expect(lengthOf(await speak(synthesizer, 'Again.'))).toBeGreaterThan(0);
    expect(synthesizer.sockets).toBe(1);
  });

  test('a refusal, an error message and silence', async () => {
    const refusing = await peerOf(speaker(), () => 401);
    await expect(speak(synthesizerAt(refusing), 'Hello.')).rejects.toMatchObject({ category: 'auth' });
    const failing = await peerOf((socket) => socket.send('{"type":"Error","err_code":"X","err_msg":"Unsupported model"}'));
    await expect(speak(synthesizerAt(failing), 'Hello.')).rejects.toMatchObject({ category: 'bad-input' });
    const silent = await peerOf(() => {});
    const impatient = synthesizerAt(silent, { deadlines: { connectMs: 3_000, firstMs: 60, nextMs: 60 } });
    await expect(speak(impatient, 'Hello.')).rejects.toMatchObject({ category: 'retryable' });
    await expect(speak(impatient, 'a'.repeat(3_000))).rejects.toMatchObject({ category: 'bad-input' });
  });
});
