import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeOfBusiness, changedBusiness, concerns, keys, scopesOf } from './cache-keys.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '*', '#entry', '["entry","a"]', 'a', 'a"', '\ud800', 'x'.repeat(300)),
);

test('no two look-ups have one key', () => {
  const builders = {
    assistant: (parts: string[]) => keys.assistant(parts[0], parts[1]),
    business: (parts: string[]) => keys.business(parts[0]),
    entry: (parts: string[]) => keys.entry(parts[0]),
    number: (parts: string[]) => keys.number(parts[0]),
    apiKey: (parts: string[]) => keys.apiKey(parts[0]),
  };
  const used = { assistant: 2, business: 1, entry: 1, number: 1, apiKey: 1 };
  const names = Object.keys(builders) as (keyof typeof builders)[];
  const lookUp = fc.record({ name: fc.constantFrom(...names), parts: fc.tuple(fc.string({ minLength: 1 }), anyText) });
  fc.assert(
    fc.property(lookUp, lookUp, (one, other) => {
      const told = ({ name, parts }: typeof one) => JSON.stringify([name, ...parts.slice(0, used[name])]);
      const text = ({ name, parts }: typeof one) => builders[name](parts).text;
      expect(text(one) === text(other)).toBe(told(one) === told(other));
    }),
    { numRuns: 2_000 },
  );
});

test('a key cannot leave the business out', () => {
  expect(() => keys.entry('')).toThrow(/business/);
  // @ts-expect-error -- what belongs to a business asks for it first
  expect(() => keys.assistant('assistant_1')).toThrow();
});

test('a change concerns its own keys and no others', () => {
  const key = keys.entry('business_1');
  expect(scopesOf(key)).toEqual(['*', '#entry', 'business_1']);
  for (const change of ['*', '#entry', 'business_1', key.text]) expect(concerns(change, key)).toBe(true);
  for (const change of ['business_2', '#number', keys.entry('business_2').text, keys.business('business_1').text])
    expect(concerns(change, key)).toBe(false);
  expect(concerns('business_1', keys.number('business_1'))).toBe(false);
});

test('an id that a stranger made up is no change of more than itself', () => {
  fc.assert(
    fc.property(anyText, (id) => {
      const change = changeOfBusiness(id);
      expect(changedBusiness(change)).toBe(change);
      expect(change.length).toBeLessThan(70);
      expect(concerns(change, keys.entry('business_1'))).toBe(false);
    }),
  );
  expect(changedBusiness('business_1')).toBe('business_1');
  for (const other of ['*', '#entry', keys.number('+1').text]) expect(changedBusiness(other)).toBeUndefined();
});
