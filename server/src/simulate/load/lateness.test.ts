import { expect, test } from 'vitest';
import { Lateness, OwnTime } from './lateness.ts';

/** A stream of `delays.length` frames; our loop looks after each, `lags` late. */
function stream(delays: readonly number[], lags: (frame: number) => number = () => 0, stamped = false): Lateness {
  const own = new OwnTime();
  const lateness = new Lateness(own);
  own.looked(0);
  delays.forEach((delay, frame) => {
    lateness.arrived(1, 1_000 + frame * 20 + delay, stamped);
    own.looked(lags(frame));
  });
  return lateness;
}

const seconds = (count: number, delay: (frame: number) => number): number[] =>
  Array.from({ length: 50 * count }, (_, frame) => delay(frame));

test('a steady stream has no late frame, however long its journey', () => {
  const { judged, late } = stream(seconds(3, () => 180));
  expect({ judged, late }).toEqual({ judged: 149, late: 0 });
});

test('a frame is late against the earliest of its second', () => {
  expect(stream(seconds(3, (frame) => (frame % 10 === 3 ? 6 : 0))).late).toBe(15);
  expect(stream(seconds(3, (frame) => (frame % 10 === 3 ? 4.9 : 0))).late).toBe(0);
});

test('a clock that runs away slowly makes nothing late', () => {
  expect(stream(seconds(20, (frame) => frame * 0.01)).late).toBe(0);
});

test('what came while our own loop was late is not judged', () => {
  const { judged, late } = stream(
    seconds(2, (frame) => (frame === 20 ? 30 : 0)),
    (frame) => (frame === 20 ? 8 : 0),
  );
  expect(late).toBe(0);
  expect(judged).toBe(97);
});

test('what was stamped outside of our loop is judged unless the machine stood still', () => {
  expect(
    stream(
      seconds(2, (frame) => (frame === 20 ? 30 : 0)),
      (frame) => (frame === 20 ? 8 : 0),
      true,
    ).late,
  ).toBe(1);
  expect(
    stream(
      seconds(2, (frame) => (frame === 20 ? 30 : 0)),
      (frame) => (frame === 20 ? 40 : 0),
      true,
    ).late,
  ).toBe(0);
});
