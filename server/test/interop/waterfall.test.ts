/** What Tandem says about a turn's wait, against what a caller on the wire measured. */
import { waitOf, waterfallOf } from '@tandem/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, assistantAt, envOf, eventsOf, only, ProviderCalls } from '../provider-calls.ts';

let calls: ProviderCalls;
beforeAll(async () => {
  calls = await ProviderCalls.open();
});
afterEach(() => calls.reset());
afterAll(() => calls.close());

describe('the waterfall', () => {
  const WITHIN_MS = 5;
  const TURNS = 5;

  test.each([
    ['silence and words decide', 'nova-3'],
    ['the transcriber decides', 'flux-general-en'],
  ])('of every turn sums to the gap that the caller measured (%s)', async (_, model) => {
    calls.providers.tell({ answers: [{ say: 'We are open from nine.' }] });
    const server = await calls.server({ ...envOf(calls.providers), TANDEM_DEEPGRAM_MODEL: model });
    await assistantAt(server, 'gap', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia' });
    const caller = await calls.ring(server, 'gap');
    expect(await caller.untilQuiet(600)).toBe(true);
    const measured: { gapMs: number; stallMs: number }[] = [];
    for (let turn = 0; turn < TURNS; turn++) measured.push(await ask(caller, 800 + 120 * turn));
    await caller.hangUp();
    const turns = only(await eventsOf(server, 'gap'), 'turn-completed').filter(({ turn }) => turn > 0);
    expect(turns).toHaveLength(TURNS);
    const told = turns.map(({ stages }) => ({ wait: waitOf(stages) ?? Number.NaN, parts: waterfallOf(stages) }));
    const off = told.map(({ wait }, i) => measured[i].gapMs - wait);
    for (const [i, { wait, parts }] of told.entries()) {
      expect(parts.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBeCloseTo(wait, 3);
      expect(Math.abs(off[i])).toBeLessThanOrEqual(WITHIN_MS + measured[i].stallMs);
    }
  });
});
