import { expect, test } from 'vitest';
import { PathReader } from './decoded-path.ts';
import { judge } from './verdict.ts';

const log = (id: string, text: string, score: number, rows: string[]) =>
  [
    `INFO: batch.c(729): Decoding '${id}'`,
    'INFO: cmn.c(133): CMN: 41.77 33.53 -20.08',
    ...(rows.length > 0
      ? [`INFO: pocketsphinx.c(1168): ${text} (${score})`, 'word                 start end   pprob ascr       lscr       lback', ...rows]
      : []),
    `INFO: batch.c(760): ${id}: 0.92 seconds speech, 0.01 seconds CPU, 0.02 seconds wall`,
    '',
  ].join('\n');
const row = (word: string, first: number, last: number, score: number) =>
  `${word.padEnd(20)} ${first}     ${last}    1.000 ${score}       -337       1         `;

test('a log is read in any pieces; steps without words are left out', () => {
  const text =
    log('u_1', 'goodbye', -2453, [row('<sil>', 0, 13, -369), row('goodbye(2)', 14, 84, -1204), row('(NULL)', 84, 84, 0)]) +
    log('u_2', '', 0, []);
  const reader = new PathReader();
  const paths = Array.from(text).flatMap((character) => reader.push(character));
  expect(paths).toEqual([
    {
      id: 'u_1',
      score: -2453,
      segments: [
        { word: '<sil>', first: 0, last: 13, score: -369 },
        { word: 'goodbye', first: 14, last: 84, score: -1204 },
      ],
    },
    { id: 'u_2', score: 0, segments: [] },
  ]);
});

test('the verdict: as good as the loop is accepted, far worse, too short or without a path is not', () => {
  const path = (score: number, last: number, word = 'hours') => ({ id: 'u', score, segments: [{ word, first: 0, last, score }] });
  const loop = path(-1_000, 99, 'ph_aw');
  const same = judge(path(-1_000, 99), loop);
  expect(same).toMatchObject({ accepted: true, words: [{ text: 'hours', first: 0, last: 99 }] });
  expect(same.confidence).toBeGreaterThan(0.9);
  const worse = judge(path(-3_000, 99), loop);
  expect(worse.accepted).toBe(false);
  expect(worse.confidence).toBeLessThan(0.1);
  expect(judge(path(-100, 9), path(-100, 9, 'ph_aw')).accepted).toBe(false);
  expect(judge({ id: 'u', score: 0, segments: [] }, loop)).toEqual({ words: [], accepted: false, confidence: 0 });
});

test('one stranger among known words is enough to reject', () => {
  const words = (last: number) => [
    { word: 'can', first: 0, last: 99, score: -1_000 },
    { word: 'child', first: 100, last: 139, score: last },
  ];
  const loop = { id: 'u', score: -1_400, segments: [{ word: 'ph_k', first: 0, last: 139, score: -1_400 }] };
  expect(judge({ id: 'u', score: -1_500, segments: words(-500) }, loop).accepted).toBe(true);
  expect(judge({ id: 'u', score: -1_500, segments: words(-2_100) }, loop).accepted).toBe(false);
});
