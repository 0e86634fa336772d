import { expect, test } from 'vitest';
import { readArguments } from './simulate-arguments.ts';

test('what is not said has its default', () => {
  expect(readArguments(['scenarios'])).toMatchObject({
    paths: ['scenarios'],
    level: 'virtual',
    repeat: 1,
    seed: undefined,
    only: [],
    server: '127.0.0.1:5060',
    anywhere: false,
    htmlSound: false,
  });
});

test('everything that can be said', () => {
  const args =
    'a.yaml b --level sip --repeat 5 --seed 7 --only smoke --only price --jobs 2 --server [::1]:5070 --anywhere --junit j --json k --html h --html-sound --wav w --judge';
  expect(readArguments(args.split(' '))).toEqual({
    paths: ['a.yaml', 'b'],
    level: 'sip',
    repeat: 5,
    seed: 7,
    only: ['smoke', 'price'],
    jobs: 2,
    server: '[::1]:5070',
    anywhere: true,
    junit: 'j',
    json: 'k',
    html: 'h',
    htmlSound: true,
    wav: 'w',
    judge: true,
  });
});

test.each([
  ['', 'no scenario is named'],
  ['a --level voice', '--level is text, virtual or sip'],
  ['a --repeat 0', '--repeat is a whole number from 1'],
  ['a --repeat many', '--repeat is a whole number from 1'],
  ['a --seed -1', '--seed'],
  ['a --jobs 1.5', '--jobs is a whole number'],
  ['a --server nowhere', '--server is HOST:PORT'],
  ['a --level text --wav w', '--wav needs sound'],
  ['a --unknown', "Unknown option '--unknown'"],
])('%j is refused', (args, message) => {
  expect(() => readArguments(args.split(' ').filter(Boolean))).toThrow(
    expect.objectContaining({ code: 'bad-request', message: expect.stringContaining(message) as string }),
  );
});
