import { describe, expect, test } from 'vitest';
import type { Sound } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import { SmartTurnDetector } from './detector.ts';
import type { SmartTurnModel } from './model.ts';
import { ANSWER_DEADLINE_MS, Panel } from './panel.ts';

/** Answers with the first byte of each window, in percent. */
class FakeModel implements SmartTurnModel {
  readonly runs: number[] = [];
  takesMs = 20;
  failing = false;
  readonly #kit: ReturnType<typeof testKit>;

  constructor(kit: ReturnType<typeof testKit>) {
    this.#kit = kit;
  }

  async run(windows: Sound[]): Promise<number[]> {
    this.runs.push(windows.length);
    await this.#kit.clock.sleep(this.takesMs);
    if (this.failing) throw new Error('out of order');
    return windows.map((window) => window[0] / 100);
  }
}

function bench() {
  const warnings: string[] = [];
  const kit = testKit();
  kit.log = { ...kit.log, warn: (_, message) => warnings.push(message) };
  const model = new FakeModel(kit);
  const panel = new Panel(model, kit);
  const answers: (number | undefined)[] = [];
  const ask = (percent: number, signal = new AbortController().signal) =>
    void panel.ask(Uint8Array.of(percent), signal).then((answer) => answers.push(answer));
  return { kit, model, panel, warnings, answers, ask };
}

describe('the panel', () => {
  test('calls that fall silent at once are judged in one run, and each has its own answer', async () => {
    const { kit, model, answers, ask } = bench();
    for (const percent of [10, 20, 30]) ask(percent);
    await kit.clock.advance(20);
    expect(model.runs).toEqual([3]);
    expect(answers).toEqual([0.1, 0.2, 0.3]);
    expect(kit.clock.pending).toBe(0);
  });

  test('at most four at a time; who comes during a run waits for the next one', async () => {
    const { kit, model, answers, ask } = bench();
    for (let i = 1; i <= 6; i++) ask(i);
    await kit.clock.advance(10);
    ask(7);
    await kit.clock.advance(60);
    expect(model.runs).toEqual([4, 3]);
    expect(answers).toEqual([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07]);
  });

  test('an answer that is late is none, and does not come later either', async () => {
    const { kit, model, panel, answers, ask } = bench();
    model.takesMs = 400;
    ask(50);
    await kit.clock.advance(ANSWER_DEADLINE_MS - 1);
    expect(answers).toEqual([]);
    await kit.clock.advance(1);
    expect(answers).toEqual([undefined]);
    await kit.clock.advance(1_000);
    expect(answers).toHaveLength(1);
    expect(panel.counts.late).toBe(1);
    expect(kit.clock.pending).toBe(0);
  });

  test('a model that hangs costs no memory: later questions are refused, then answered with nothing', async () => {
    const { kit, model, panel, answers, warnings, ask } = bench();
    model.takesMs = 1e9;
    for (let i = 0; i < 4; i++) ask(i);
    await kit.clock.settle();
    for (let i = 0; i < 30; i++) ask(i);
    await kit.clock.settle();
    expect(panel.counts.refused).toBe(14);
    expect(warnings).toHaveLength(1);
    await kit.clock.advance(ANSWER_DEADLINE_MS);
    expect(answers).toHaveLength(34);
    expect(new Set(answers)).toEqual(new Set([undefined]));
    expect(model.runs).toEqual([4]);
  });

  test('a failure is no answer, is said once, and the next question is asked', async () => {
    const { kit, model, answers, warnings, ask } = bench();
    model.failing = true;
    ask(1);
    await kit.clock.advance(20);
    ask(2);
    await kit.clock.advance(20);
    model.failing = false;
    ask(90);
    await kit.clock.advance(20);
    expect(answers).toEqual([undefined, undefined, 0.9]);
    expect(warnings).toEqual(['smart-turn failed: turns are judged by silence and words']);
  });
});

describe('a call', () => {
  test('that ends gets its open question answered with nothing, and leaves no timer', async () => {
    const { kit, panel, model } = bench();
    const detector = new SmartTurnDetector(panel, 'mulaw-8000');
    detector.push({ at: 0, format: 'mulaw-8000', sound: new Uint8Array(160), concealed: false });
    const asked = detector.ask();
    detector.close();
    expect(await asked).toBeUndefined();
    expect(await detector.ask()).toBeUndefined();
    expect(model.runs).toEqual([]);
    expect(kit.clock.pending).toBe(0);
  });
});
