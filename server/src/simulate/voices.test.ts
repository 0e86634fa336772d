import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mulawLevel } from '#audio/level.ts';
import { encodeWav } from '#audio/wav.ts';
import { systemKit } from '#kit/kit.ts';
import { SeededRandom } from '#kit/random.ts';
import { speechLike } from '#models/scripted/speech-like.ts';
import { scenario } from './builder.ts';
import { wavSound } from './recorded-sound.ts';
import { runScenario } from './run.ts';
import { testRooms } from './testing.ts';
import { CALLER, SoundBank } from './virtual/sound-bank.ts';
import { callerSound } from './virtual/sounds.ts';

const kit = systemKit('error');
const rooms = testRooms();

const committed = (events: readonly { type: string; text?: unknown }[]) =>
  events.filter(({ type }) => type === 'turn-committed').map(({ text }) => text);

test('a caller with a real voice is heard, and twice the same', async () => {
  const call = scenario('spoken').with({ voice: 'flite' }).hears('greeting').says('where can I park').hears('answer').hangsUp().build();
  const [one, two] = [await runScenario(call, { kit, rooms, sound: false }), await runScenario(call, { kit, rooms, sound: false })];
  expect(one.fault).toBeUndefined();
  expect(committed(one.events)).toEqual(['where can I park']);
  expect(two.hash).toBe(one.hash);
});

describe('a recorded caller', () => {
  test('is played as recorded: any rate, its words as they are told', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tandem-recorded-'));
    try {
      const { samples } = speechLike(new SeededRandom(3), 1_500, 16_000, -18);
      await writeFile(join(folder, 'park.wav'), encodeWav([samples], 16_000));
      const call = scenario('recorded').hears('greeting').plays('park.wav', { text: 'where can I park' }).hears('answer').hangsUp().build();
      const { fault, events, lines } = await runScenario(call, { kit, rooms, folder, sound: false });
      expect(fault).toBeUndefined();
      expect(committed(events)).toEqual(['where can I park']);
      const line = lines.find(({ who }) => who === 'caller');
      expect((line?.toMs ?? 0) - (line?.fromMs ?? 0)).toBeCloseTo(1_500, -2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a file that is not there, no sound, or of a strange rate is refused by name', async () => {
    const call = scenario('lost').plays('nowhere.wav').build();
    expect((await runScenario(call, { kit, rooms, sound: false })).fault).toContain('nowhere.wav');
    expect(() => wavSound(new Uint8Array(100), 'noise.wav')).toThrow(/noise\.wav/);
    expect(() => wavSound(encodeWav([new Int16Array(100)], 44_100), 'cd.wav')).toThrow(/44100 Hz/);
  });
});

test('words have their times and the level of their speaker; the same words sound the same', () => {
  const words = [
    { text: 'one', fromMs: 0, toMs: 280 },
    { text: 'two', fromMs: 680, toMs: 960 },
  ];
  const [first, second] = [new SoundBank(rooms), new SoundBank(rooms)].map((bank) => bank.speak(CALLER, 'one two', words, 5).sound);
  expect(second).toEqual(first);
  expect(first.length).toBe(960 * 8);
  expect(mulawLevel(first.subarray(300 * 8, 680 * 8))).toBeLessThan(-80);
  expect(Math.abs(mulawLevel(first.subarray(0, 260 * 8)) - CALLER.levelDb)).toBeLessThan(5);
});

test('sounds that are no words are heard, and are as long as asked', () => {
  for (const name of ['cough', 'hum', 'click', 'door'] as const) {
    const sound = callerSound(name, 300, new SeededRandom(1));
    expect(sound).toHaveLength(2_400);
    expect(mulawLevel(sound)).toBeGreaterThan(-42);
    expect(callerSound(name, 300, new SeededRandom(1))).toEqual(sound);
  }
});
