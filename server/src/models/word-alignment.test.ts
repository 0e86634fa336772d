import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WordAligner } from './word-alignment.ts';

const timed = (spoken: string) => spoken.split(' ').map((text, i) => ({ text, fromMs: i * 100, toMs: i * 100 + 100 }));
const align = (written: string, spoken: string, totalMs = 10_000) => {
  const aligner = new WordAligner(written);
  const settled = timed(spoken).flatMap((word) => aligner.push([word]));
  return {
    early: settled.length,
    words: [...settled, ...aligner.end(totalMs)].map(({ text, fromMs, toMs }) => `${text} ${fromMs}-${toMs}`),
  };
};

test('words spoken as written are settled at once', () => {
  expect(align('Sure, let me check.', 'sure let me check')).toEqual({
    early: 4,
    words: ['Sure, 0-100', 'let 100-200', 'me 200-300', 'check. 300-400'],
  });
});

test('a price, a time and a compound keep their stretch of sound', () => {
  expect(align('It costs $45. Call us', 'it costs forty five dollars call us').words).toEqual([
    'It 0-100',
    'costs 100-200',
    '$45. 200-500',
    'Call 500-600',
    'us 600-700',
  ]);
  expect(align('a well-known name', 'a well known name').words).toEqual(['a 0-100', 'well-known 100-300', 'name 300-400']);
  expect(align('at 9:30', 'at nine thirty').words).toEqual(['at 0-100', '9:30 100-300']);
});

test('marks take no time, words without times share the sound by length', () => {
  expect(align('yes – no', 'yes no').words).toEqual(['yes 0-100', '– 100-100', 'no 100-200']);
  const aligner = new WordAligner('abc abcdefg');
  expect(aligner.end(1_200)).toEqual([
    { text: 'abc', fromMs: 0, toMs: 400 },
    { text: 'abcdefg', fromMs: 400, toMs: 1_200 },
  ]);
});

test('whatever a vendor times, every written word comes once, in order, at times that only grow', () => {
  const word = fc.constantFrom('a', 'no', '$45', 'five', '–', 'and', 'x.', '9:30');
  const spoken = fc.record({
    text: word,
    fromMs: fc.oneof(fc.integer({ min: -50, max: 5_000 }), fc.constant(NaN)),
    toMs: fc.integer({ min: -50, max: 5_000 }),
  });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), fc.array(spoken, { maxLength: 30 }), (written, said) => {
      const aligner = new WordAligner(written.join(' '));
      const words = [...aligner.push(said), ...aligner.end(5_000)];
      expect(words.map(({ text }) => text)).toEqual(written);
      expect(aligner.complete).toBe(true);
      let last = 0;
      for (const { fromMs, toMs } of words) {
        expect(fromMs).toBeGreaterThanOrEqual(last);
        expect(toMs).toBeGreaterThanOrEqual(fromMs);
        last = fromMs;
      }
    }),
  );
});
