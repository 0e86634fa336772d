import { describe, expect, test } from 'vitest';
import { readArguments } from './arguments.ts';

describe('arguments of load', () => {
  test('what is not said has a value', () => {
    expect(readArguments([])).toMatchObject({
      wire: 'sip',
      calls: 10,
      perSecond: 20,
      durationMs: 60_000,
      warmUpMs: 5_000,
      length: undefined,
      shares: { bargeIns: 0.1, backchannels: 0.05, pauses: 0.1 },
      anywhere: false,
    });
  });

  test('a ramp is a pace, minutes are seconds, a length may be a spread', () => {
    const asked = readArguments([
      'sip:a@127.0.0.1',
      '--calls',
      '500',
      '--ramp',
      '25',
      '--minutes',
      '10',
      '--length',
      '20-120',
      '--talk',
      'long,barge-in',
    ]);
    expect(asked).toMatchObject({
      target: 'sip:a@127.0.0.1',
      perSecond: 20,
      durationMs: 600_000,
      length: { fromMs: 20_000, toMs: 120_000 },
      kinds: ['long', 'barge-in'],
    });
    expect(readArguments(['--length', '7.5']).length).toEqual({ fromMs: 7_500, toMs: 7_500 });
  });

  test.each([
    [['--calls', '0'], /--calls is a whole number of at least 1/],
    [['--calls', 'many'], /it is many/],
    [['--calls', '2.5'], /whole number/],
    [['--wire', 'pigeon'], /--wire is one of sip, twilio, browser/],
    [['--length', '30-20'], /--length is seconds/],
    [['--ramp', '5', '--per-second', '5'], /one of them/],
    [['--minutes', '1', '--seconds', '5'], /one of them/],
    [['--warm-up', '60'], /shorter than the run/],
    [['--barge-ins', '60', '--pauses', '50', '--backchannels', '0'], /100 together/],
    [['--talk', 'long,shout'], /--talk is one of/],
    [['--talk', 'long', '--wav', 'a.wav'], /one of them/],
    [['--bogus'], /bogus/],
    [['a', 'b'], /one target/],
  ])('%j is refused in words', (args, words) => {
    expect(() => readArguments(args)).toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.stringMatching(words) as string }),
    );
  });
});
