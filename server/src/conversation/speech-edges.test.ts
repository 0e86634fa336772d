import { expect, test } from 'vitest';
import { SpeechEdges } from './speech-edges.ts';

/** One character per 20 ms frame, `#` voiced; gives the edges with the frame's time. */
function edges(frames: string, sustainMs = 250) {
  const smoothed = new SpeechEdges(sustainMs);
  const found: [string, number, number, number][] = [];
  frames.split('').forEach((frame, i) => {
    const edge = smoothed.push(frame === '#', i * 20);
    if (edge) found.push([edge, i * 20, smoothed.from, smoothed.to]);
  });
  return found;
}

test('speech starts with 60 ms of voice in 100, and began with its first voiced frame', () => {
  expect(edges('..##.#....')).toEqual([['started', 100, 40, 120]]);
  expect(edges('..##..#...')).toEqual([['started', 120, 40, 140]]);
  expect(edges('.#...#...#..#')).toEqual([]);
});

test('it is sustained after that long, if there is voice then', () => {
  expect(edges(`.${'#'.repeat(20)}`)).toEqual([
    ['started', 60, 20, 80],
    ['sustained', 260, 20, 280],
  ]);
  expect(edges(`.${'#'.repeat(11)}${'.'.repeat(9)}`).map(([edge]) => edge)).toEqual(['started']);
});

test('it ends 200 ms after the last voiced frame', () => {
  expect(edges(`####${'.'.repeat(12)}`)).toEqual([
    ['started', 40, 0, 60],
    ['ended', 260, 0, 80],
  ]);
  expect(edges(`####${'.'.repeat(8)}#${'.'.repeat(11)}`).filter(([edge]) => edge === 'ended')).toEqual([['ended', 440, 0, 260]]);
});

test('a voice that waited in the jitter buffer has been going on for so much longer', () => {
  const speech = new SpeechEdges(250);
  const sustainedAt = [0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240].find((at) => speech.push(true, at, 45) === 'sustained');
  expect(sustainedAt).toBe(200);
});
