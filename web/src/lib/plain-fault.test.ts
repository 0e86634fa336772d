import { assistantInput, businessInput, httpToolInput, trunkInput } from '@tandem/contract';
import { expect, test } from 'vitest';
import { plainFault } from './plain-fault.ts';

type Schema = { safeParse: (value: unknown) => { error?: { issues: { message: string }[] } | undefined } };
const faultOf = (schema: Schema, value: unknown) => plainFault(schema.safeParse(value).error?.issues[0]?.message ?? '');

test('what a schema says is put in plain words, with its limit', () => {
  const { name, greeting, transferTargets, fallbacks } = assistantInput.shape;
  const { timeoutMs, method, url, headers } = httpToolInput.shape;
  expect(faultOf(name, ' ')).toBe('This is needed.');
  expect(faultOf(name, undefined)).toBe('This is needed.');
  expect(faultOf(trunkInput.shape.password, 'short')).toBe('At least 8 characters are needed.');
  expect(faultOf(greeting, 'x'.repeat(601))).toBe('At most 600 characters fit here.');
  expect(faultOf(businessInput.shape.dailyCostCeiling, -1)).toBe('This must be more than 0.');
  expect(faultOf(timeoutMs, 3)).toBe('This must be at least 100.');
  expect(faultOf(timeoutMs, 40_000)).toBe('This must be at most 30000.');
  expect(faultOf(timeoutMs, 'x')).toBe('This must be a number.');
  expect(faultOf(timeoutMs, null)).toBe('This is needed.');
  expect(faultOf(fallbacks, { transcribers: ['a', 'b', 'c', 'd', 'e', 'f'] })).toBe('At most 5 are possible.');
  expect(faultOf(transferTargets, [{ name: '', to: '+1555' }])).toBe('This is needed.');
  expect(faultOf(assistantInput.shape.slug, 'Not A Slug')).toBe('This is not acceptable.');
  expect(faultOf(headers, { 'bad name': 'x' })).toContain('A name here is not acceptable');
  expect(faultOf(method, 'BREW')).toBe('This is not acceptable.');
  expect(faultOf(url, 'ftp://x')).toBe('This is not an http(s) address');
});

test('words of the server’s own stay', () => {
  expect(plainFault('There is a tool of that name')).toBe('There is a tool of that name');
});
