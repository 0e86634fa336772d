import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimedScript, wordTimesOf } from './timed-script.ts';

const words = (text: string, perWord = 200) =>
  text.split(' ').map((word, i) => ({ text: word, fromMs: i * perWord, toMs: (i + 1) * perWord - 20 }));

function script(...texts: string[]): TimedScript {
  const made = new TimedScript();
  for (const text of texts) {
    const clause = made.begin(text);
    clause.spoken.push(...words(text));
    clause.toMs += text.split(' ').length * 200;
    clause.complete = true;
  }
  return made;
}

describe('what was heard', () => {
  test('whole words up to a position, over clauses', () => {
    const heard = script('One two,', 'three four five.');
    expect(heard.heardUntil(0)).toBe('');
    expect(heard.heardUntil(170)).toBe('');
    expect(heard.heardUntil(180)).toBe('One');
    expect(heard.heardUntil(400)).toBe('One two,');
    expect(heard.heardUntil(599)).toBe('One two, three');
    expect(heard.heardUntil(1_000)).toBe('One two, three four five.');
  });

  test('a clause that the synthesizer spoke in other words is shared out by length', () => {
    const timed = new TimedScript();
    const clause = timed.begin('It costs $45 today');
    clause.spoken.push(...words('it costs forty five dollars today'));
    clause.toMs = 1_200;
    clause.complete = true;
    expect(wordTimesOf(clause).map(({ text }) => text)).toEqual(['It', 'costs', '$45', 'today']);
    expect(timed.heardUntil(700)).toBe('It costs');
    expect(timed.heardUntil(1_200)).toBe('It costs $45 today');
  });

  test('while the sound still comes in, its length is estimated', () => {
    const timed = new TimedScript();
    const clause = timed.begin('This sentence is still being made');
    clause.toMs = 500;
    expect(timed.heardUntil(500)).toBe('This');
  });

  test('a clause that brought no sound was not heard', () => {
    const timed = script('One.');
    timed.begin('Silent.').complete = true;
    timed.begin('Three.').toMs += 300;
    expect(timed.heardUntil(10_000)).toBe('One. Three.');
  });

  test('more sound never means fewer words, and words are heard in order', () => {
    const clause = fc.array(fc.constantFrom('a', 'bc', 'def,', 'ghij'), { minLength: 1, maxLength: 8 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(fc.array(clause, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(9_000), { minLength: 2 }), (texts, positions) => {
        const timed = script(...texts);
        const all = texts.join(' ');
        let before = '';
        for (const position of positions.sort((a, b) => a - b)) {
          const heard = timed.heardUntil(position);
          expect(all.startsWith(heard)).toBe(true);
          expect(heard.startsWith(before)).toBe(true);
          before = heard;
        }
      }),
      { seed: 5 },
    );
  });
});
