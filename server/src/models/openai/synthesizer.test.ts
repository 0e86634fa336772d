import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { msOf, type SoundFormat } from '#audio/frame.ts';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import type { SpeechPart, SpeechRequest } from '../synthesizer.ts';
import { MS_PER_CHARACTER, piecesOf } from '../voice-peer.testing.ts';
import { OpenAiSynthesizer, type OpenAiSpeechOptions, openAiSpeechDeadlines } from './synthesizer.ts';

type Answer = (body: Record<string, string>, response: ServerResponse, request: IncomingMessage) => void;

async function startServer(answer: Answer) {
  const bodies: Record<string, string>[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      if (request.method !== 'POST') {
        response.end();
        return;
      }
      const body = JSON.parse(text) as Record<string, string>;
      bodies.push(body);
      answer(body, response, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    bodies,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A 24 kHz tone of 60 ms per character behind silence, cut in the middle of samples. */
function pcm(text: string, leadMs: number): Buffer {
  const lead = leadMs * 24;
  const samples = Int16Array.from({ length: lead + text.length * MS_PER_CHARACTER * 24 }, (_, i) =>
    i < lead ? 0 : Math.round(6_000 * Math.sin((2 * Math.PI * 440 * i) / 24_000)),
  );
  return Buffer.from(samples.buffer);
}
const speaking =
  (leadMs = 150): Answer =>
  (body, response) => {
    response.writeHead(200, { 'content-type': 'audio/pcm' });
    for (const piece of piecesOf(pcm(body.input, leadMs), 4_801)) response.write(piece);
    response.end();
  };

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});
const make = (baseUrl: string, over: Partial<OpenAiSpeechOptions> = {}) =>
  new OpenAiSynthesizer(
    { ...testKit(), clock: new SystemClock() },
    { apiKey: 'sk-test-0123456789', baseUrl, model: 'gpt-4o-mini-tts', voice: 'alloy', deadlines: openAiSpeechDeadlines, ...over },
  );
async function started(answer: Answer, over: Partial<OpenAiSpeechOptions> = {}) {
  const server = await startServer(answer);
  const synthesizer = make(server.url, over);
  open.push(server, synthesizer);
  return { server, synthesizer };
}
async function speak(synthesizer: OpenAiSynthesizer, text: string, over: Partial<SpeechRequest> = {}): Promise<SpeechPart[]> {
  const parts: SpeechPart[] = [];
  const signal = new AbortController().signal;
  for await (const part of synthesizer.speak({ text, voice: 'coral', language: 'en', format: 'mulaw-8000', signal, ...over }))
    parts.push(part);
  return parts;
}

describeSynthesizer('openai', {
  make: async () => {
    const server = await startServer(speaking());
    const synthesizer = make(server.url);
    const close = synthesizer.close.bind(synthesizer);
    synthesizer.close = async () => {
      await close();
      await server.close();
    };
    return synthesizer;
  },
  voice: 'coral',
});

test('asks for plain sound in the voice, or in the default one; 24 kHz becomes the format of the line', async () => {
  const { server, synthesizer } = await started(speaking(0));
  for (const format of ['mulaw-8000', 'linear-16000'] as SoundFormat[]) {
    const parts = await speak(synthesizer, 'Good **morning**.', { format });
    const totalMs = parts.reduce((sum, { sound }) => sum + msOf(sound, format), 0);
    expect(Math.abs(totalMs - 13 * MS_PER_CHARACTER)).toBeLessThan(15);
  }
  await speak(synthesizer, 'Hello.', { voice: 'slt' });
  expect(server.bodies[0]).toEqual({ model: 'gpt-4o-mini-tts', voice: 'coral', input: 'Good morning.', response_format: 'pcm' });
  expect(server.bodies[2].voice).toBe('alloy');
});

test('refusals, pages and compressed sound are no speech', async () => {
  const { synthesizer } = await started((body, response) => {
    const [, status = '200', type = 'application/json'] = /^(\d+) ?(\S+)?/.exec(body.input) ?? [];
    response.writeHead(Number(status), { 'content-type': type, 'retry-after': '2' });
    response.end('{"error":{"message":"Incorrect API key: sk-test-0123456789"}}');
  });
  const refused = await speak(synthesizer, '401').catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ vendor: 'openai', category: 'auth' });
  expect(String(refused)).not.toContain('sk-test');
  await expect(speak(synthesizer, '429')).rejects.toMatchObject({ category: 'rate-limited', retryAfterMs: 2_000 });
  await expect(speak(synthesizer, '503')).rejects.toMatchObject({ category: 'retryable' });
  await expect(speak(synthesizer, '200 text/html')).rejects.toMatchObject({ vendor: 'openai' });
  await expect(speak(synthesizer, '200 audio/mpeg')).rejects.toMatchObject({ vendor: 'openai' });
});

test('a stalled answer is given up at the deadline; an abort closes the request at once', async () => {
  const closed = Promise.withResolvers<void>();
  const { synthesizer } = await started(
    (body, response) => {
      response.writeHead(200, { 'content-type': 'audio/pcm' });
      response.write(pcm('Half', 0));
      if (body.input === 'Abort me.') response.on('close', () => closed.resolve());
    },
    { deadlines: { connectMs: 1_000, firstMs: 1_000, betweenMs: 100 } },
  );
  await expect(speak(synthesizer, 'Stall.')).rejects.toMatchObject({ category: 'retryable' });
  const controller = new AbortController();
  const reason = new Error('barge-in');
  const work = (async () => {
    for await (const part of synthesizer.speak({
      text: 'Abort me.',
      voice: 'coral',
      language: 'en',
      format: 'mulaw-8000',
      signal: controller.signal,
    })) {
      expect(part.sound.length).toBeGreaterThan(0);
      controller.abort(reason);
    }
  })();
  await expect(work).rejects.toBe(reason);
  await closed.promise;
});
