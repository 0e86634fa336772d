import { describe, expect, test } from 'vitest';
import { fillerDue, fillerKindOf, fillerLine, fillerLines } from './filler.ts';

const policy = { fillers: true, fillerAfterMs: 700 };
const due = (sinceCommitMs: number, expectedMs?: number, toolRunning = false) =>
  fillerDue({ sinceCommitMs, expectedMs, toolRunning, policy });

describe('when', () => {
  test('nothing is known: after 700 ms', () => {
    expect([due(690), due(700)]).toEqual([false, true]);
  });

  test('the answer is expected any moment: it gets 300 ms more', () => {
    expect([due(750, 650), due(950, 650)]).toEqual([false, true]);
    expect([due(690, 200), due(700, 200)]).toEqual([false, true]);
  });

  test('a long gap is sure: as soon as a person would', () => {
    expect([due(440, 3_000), due(450, 3_000)]).toEqual([false, true]);
    expect(due(450, 300, true)).toBe(true);
  });

  test('the caller hears something within 1.5 s whatever was expected; never when fillers are off', () => {
    const patient = { fillers: true, fillerAfterMs: 5_000 };
    for (const expectedMs of [undefined, 900, 2_000, 5_200, 60_000]) {
      expect(fillerDue({ sinceCommitMs: 1_200, expectedMs, toolRunning: false, policy: patient })).toBe(true);
    }
    expect(fillerDue({ sinceCommitMs: 9_000, expectedMs: undefined, toolRunning: true, policy: { ...policy, fillers: false } })).toBe(
      false,
    );
  });
});

describe('which', () => {
  test.each([
    ['en', 'What does it cost?', 'look-up'],
    ['en', 'Um, are you open on Sunday', 'look-up'],
    ['en', 'I want to complain about my order', 'thinking'],
    ['de', 'Wann haben Sie geöffnet', 'look-up'],
    ['de', 'Ich möchte mich beschweren.', 'thinking'],
    ['es', 'Cuánto cuesta', 'look-up'],
    ['fr', 'Combien ça coûte', 'look-up'],
  ])('%s %j: %s', (language, text, kind) => {
    expect(fillerKindOf(text, false, language)).toBe(kind);
    expect(fillerKindOf(text, true, language)).toBe('tool');
  });

  test.each(['en', 'de-AT', 'es', 'fr', 'pt'])('%s: never the same twice in a row, and every one made beforehand', (language) => {
    const made = fillerLines(language);
    let last: string | undefined;
    for (const turn of [0, 0, 1, 3, 3, 3, 4, 7]) {
      for (const kind of ['look-up', 'thinking', 'tool'] as const) {
        const line = fillerLine(kind, language, turn, last);
        expect(line).not.toBe(last);
        expect(made).toContain(line);
        last = line;
      }
    }
    expect(fillerLine('tool', language, 1, fillerLine('tool', language, 1, undefined))).not.toBe(
      fillerLine('tool', language, 1, undefined),
    );
  });
});
