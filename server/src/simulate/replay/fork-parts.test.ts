import { describe, expect, test } from 'vitest';
import { instructionsOf, withOwnInstructions } from '#assistants/instructions.ts';
import { encodeWav, parseWav, writeWavHeader } from '#audio/wav.ts';
import { conversationPolicy } from '#conversation/plan.ts';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import { callerSteps } from './caller-steps.ts';
import { inRealTime } from './fork-model.ts';
import { changedPolicy } from './fork-plan.ts';
import type { RecordedTurn } from './recorded-turns.ts';
import { cutLines } from './sound-lines.ts';

const request = (signal: AbortSignal): ModelRequest => ({
  instructions: '',
  messages: [],
  passages: [],
  answerable: false,
  tools: [],
  language: 'en',
  maxTokens: 100,
  signal,
});

const turn = (changes: Partial<RecordedTurn>): RecordedTurn => ({
  turn: 1,
  said: 'When are you open?',
  source: 'speech',
  parts: [{ text: 'When are you open?', fromMs: 2_000, toMs: 3_200 }],
  keys: '',
  keysAtMs: undefined,
  committedMs: 3_600,
  heard: 'From nine to five.',
  interrupted: false,
  goodbye: false,
  audibleFromMs: 4_000,
  audibleToMs: 5_000,
  wordStartsMs: [4_000, 4_250, 4_500, 4_750],
  tools: [],
  query: undefined,
  passages: [],
  sentences: [],
  voiceToVoiceMs: undefined,
  rule: undefined,
  stages: {},
  ...changes,
});
const greeting = turn({ turn: 0, said: '', source: undefined, parts: [], committedMs: undefined, audibleFromMs: 0, audibleToMs: 1_500 });

describe('a model that works in real time', () => {
  async function heard(parts: readonly (ModelPart | number | Error)[]) {
    const [system, own] = [testKit(1), testKit(2)];
    const model: LanguageModel = {
      name: 'slow',
      async *generate() {
        for (const part of parts) {
          if (typeof part === 'number') await system.clock.advance(part);
          else if (part instanceof Error) throw part;
          else yield part;
        }
      },
    };
    const { signal } = new AbortController();
    const came: (string | number)[] = [];
    const run = (async () => {
      for await (const part of inRealTime(model, system, own, () => own.clock.hold(), signal).generate(request(signal))) {
        came.push(own.clock.now(), part.type === 'text' ? part.text : part.type);
      }
    })().catch((error: unknown) => came.push(own.clock.now(), (error as Error).message));
    await own.clock.advance(5_000);
    await run;
    return came;
  }

  test('comes as late on the virtual clock as it came in life', async () => {
    expect(await heard([300, { type: 'text', text: 'From' }, 50, { type: 'text', text: ' nine.' }])).toEqual([300, 'From', 350, ' nine.']);
  });

  test('fails as late as it failed', async () => {
    expect(await heard([{ type: 'text', text: 'From' }, 700, new VendorError('slow', 'retryable', 'gone')])).toEqual([
      0,
      'From',
      700,
      'slow: gone',
    ]);
  });
});

describe('the caller of a recorded call', () => {
  test('waits as long as they waited, and pauses where they paused', () => {
    const parts = [
      { text: 'When are', fromMs: 2_000, toMs: 2_600 },
      { text: 'you open?', fromMs: 3_400, toMs: 4_000 },
    ];
    expect(callerSteps([greeting, turn({ parts })], undefined)).toEqual([
      { hear: 'greeting' },
      { pause: 260 },
      { say: 'When are you open?', wordMs: 300, pauses: [{ afterWord: 2, ms: 800 }] },
    ]);
  });

  test('interrupts at the same word, presses the same keys, hangs up as soon', () => {
    const cut = turn({ interrupted: true, heard: 'From nine' });
    const next = turn({ turn: 2, said: 'Wait', parts: [{ text: 'Wait', fromMs: 4_300, toMs: 4_600 }], audibleToMs: 6_000 });
    const keyed = turn({ turn: 3, said: '12', source: 'digits', parts: [], keys: '1*#', keysAtMs: 6_740, audibleToMs: 9_000 });
    expect(callerSteps([greeting, cut, next, keyed], 8_000).slice(3)).toEqual([
      { bargeIn: 'Wait', atWord: 2 },
      { hear: 'answer' },
      { pause: 500 },
      { press: '10#' },
      { hangUp: true, after: 4_400 },
    ]);
  });
});

describe('what is another in a fork', () => {
  test('the prompt stands where the business wrote its own', () => {
    const parts = { name: 'Ada', businessName: 'Harbour Dental', language: 'en', builtInTools: [], transferTargets: [] } as const;
    const whole = instructionsOf({ ...parts, instructions: 'Be brief.' });
    expect(withOwnInstructions(whole, 'Be kind.')).toBe(instructionsOf({ ...parts, instructions: 'Be kind.' }));
    expect(withOwnInstructions(instructionsOf({ ...parts, instructions: '' }), 'Be kind.')).toBe(
      instructionsOf({ ...parts, instructions: 'Be kind.' }),
    );
  });

  test('of the policy only what is named, or what an eagerness stands for', () => {
    const recorded = conversationPolicy({ eagerness: 'low', idleMs: 9_000 });
    expect(changedPolicy(recorded, {})).toEqual(recorded);
    expect(changedPolicy(recorded, { eagerness: 'high' })).toEqual({ ...recorded, minDelayMs: 350, sentenceDelayMs: 100 });
    expect(changedPolicy(recorded, { eagerness: 'high', minDelayMs: 400 })).toMatchObject({
      minDelayMs: 400,
      sentenceDelayMs: 100,
      idleMs: 9_000,
    });
  });
});

describe('the recording of a call', () => {
  test("is cut into the caller's lines", () => {
    const frames = 8_000 * 4;
    const header = writeWavHeader({ encoding: 'mulaw', channels: 2, rate: 8_000 }, frames * 2);
    const recording = new Uint8Array(header.length + frames * 2).fill(0xff);
    recording.set(header);
    for (let i = 2_000 * 8; i < 3_200 * 8; i++) recording[header.length + i * 2] = 0x20;
    const lines = cutLines(recording, [greeting, turn({})]);
    expect([...lines.keys()]).toEqual([1]);
    const line = lines.get(1) ?? new Uint8Array();
    const file = parseWav(line);
    expect(file).toMatchObject({ encoding: 'mulaw', channels: 1, rate: 8_000, frames: 1_600 * 8 });
    const sound = line.subarray(file?.dataOffset ?? 0);
    expect([sound[199 * 8], sound[201 * 8], sound[1_399 * 8], sound[1_401 * 8]]).toEqual([0xff, 0x20, 0x20, 0xff]);
    expect(() => cutLines(encodeWav([new Int16Array(80)], 8_000), [])).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
