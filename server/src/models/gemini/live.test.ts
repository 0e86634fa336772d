import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeSpeechToSpeech, type SpeechPeer } from '../speech-to-speech.contract.ts';
import { MS_PER_CHARACTER, piecesOf, startVoicePeer } from '../voice-peer.testing.ts';
import { GeminiLive, geminiLiveDeadlines } from './live.ts';
import { readLive, setup, toolResponse } from './live-wire.ts';

/** Speaks as documented: JSON in binary frames, 24 kHz sound, transcriptions beside it. */
async function livePeer({ refuse }: { refuse?: number } = {}) {
  let socket: WebSocket | undefined;
  let heardBytes = 0;
  const asked: ReturnType<SpeechPeer['asked']> = [];
  const waiting = new Set<() => void>();
  const send = (message: object) => socket?.send(Buffer.from(JSON.stringify(message)));
  const begin = (answer: string) => {
    const samples = Int16Array.from(
      { length: answer.length * MS_PER_CHARACTER * 24 },
      (_, i) => 6_000 * Math.sin((2 * Math.PI * 440 * i) / 24_000),
    );
    for (const piece of piecesOf(Buffer.from(samples.buffer))) {
      const inlineData = { mimeType: 'audio/pcm;rate=24000', data: piece.toString('base64') };
      send({ serverContent: { modelTurn: { role: 'model', parts: [{ inlineData }] } } });
    }
    send({ serverContent: { outputTranscription: { text: answer } } });
  };
  const done = () => {
    send({ serverContent: { generationComplete: true } });
    send({
      serverContent: { turnComplete: true },
      usageMetadata: { promptTokenCount: 40, responseTokenCount: 30, promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 25 }] },
    });
  };
  const peer = await startVoicePeer(
    (from, message) => {
      socket = from;
      const input = message.realtimeInput as { audio: { data: string } } | undefined;
      const content = message.clientContent as { turns: { parts: { text: string }[] }[] } | undefined;
      const tool = message.toolResponse as { functionResponses: { response: object }[] } | undefined;
      if (message.setup) send({ setupComplete: {} });
      if (input) heardBytes += Buffer.from(input.audio.data, 'base64').length;
      const text = content?.turns[0].parts[0].text;
      if (text !== undefined) asked.push(text.startsWith('Say exactly') ? { say: text } : { typed: text });
      if (tool) asked.push({ tool: JSON.stringify(tool.functionResponses[0].response) });
      if (content || tool) {
        begin('Very well.');
        done();
      }
      for (const look of waiting) look();
    },
    () => refuse,
  );
  return {
    url: peer.url,
    received: peer.received,
    requests: peer.requests,
    send,
    begin,
    done,
    turn: ({ said, answer }: { said: string; answer: string }) => {
      for (const word of said.split(/(?= )/)) send({ serverContent: { inputTranscription: { text: word } } });
      begin(answer);
      done();
    },
    call: ({ id, name, arguments: given }: { id: string; name: string; arguments: string }) =>
      send({ toolCall: { functionCalls: [{ id, name, args: JSON.parse(given) as object }] } }),
    heardMs: () => heardBytes / 32,
    asked: () => asked,
    until: (happened: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!happened()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    drop: () => socket?.terminate(),
    close: () => peer.close(),
  };
}

describeSpeechToSpeech('gemini', {
  peer: livePeer,
  make: (peer) =>
    new GeminiLive(
      { ...testKit(), clock: new SystemClock() },
      { apiKey: 'AIza-test', baseUrl: peer.url, model: 'gemini-live-2.5-flash-preview', deadlines: geminiLiveDeadlines },
    ),
  truncates: false,
});

test('the documented messages are written and read', () => {
  const message = setup('gemini-live-2.5-flash-preview', {
    format: 'mulaw-8000',
    instructions: 'Be brief.',
    language: 'de-DE',
    voice: 'Puck',
    tools: [],
    eagerness: 'low',
  });
  expect(message).toMatchObject({
    setup: {
      model: 'models/gemini-live-2.5-flash-preview',
      generationConfig: {
        responseModalities: ['AUDIO'],
        speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Puck' } }, languageCode: 'de-DE' },
      },
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      realtimeInputConfig: { automaticActivityDetection: { silenceDurationMs: 800 } },
    },
  });
  expect(message).not.toHaveProperty('setup.tools');
  expect(readLive('{"serverContent":{"interrupted":true}}')).toMatchObject({ interrupted: true, turnComplete: false, sounds: [] });
  expect(readLive('{"goAway":{"timeLeft":"10s"}}').goingAway).toBe(true);
  expect(readLive('{"usageMetadata":{"promptTokenCount":4,"responseTokensDetails":[{"modality":"AUDIO","tokenCount":3}]}}').usage).toEqual({
    inputTokens: 4,
    cachedTokens: 0,
    outputTokens: 0,
    inputAudioTokens: 0,
    outputAudioTokens: 3,
  });
  const garbage = { serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm', data: '<>' } }] } } };
  expect(() => readLive(JSON.stringify(garbage))).toThrow(/base64/);
  expect(toolResponse('1', 'x', 'plain words')).toEqual({
    toolResponse: { functionResponses: [{ id: '1', name: 'x', response: { result: 'plain words' } }] },
  });
});
