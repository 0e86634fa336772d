import type { Assistant } from '@tandem/contract';
import { assistantInput } from '@tandem/contract';
import { expect, test } from 'vitest';
import { type BusinessEntry, Directory } from './directory.ts';

const assistant = (businessId: string, id: string, slug: string): Assistant => ({
  ...assistantInput.parse({ name: id, slug, greeting: 'Hello.' }),
  id,
  businessId,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
});

const entry = (id: string, address: string, slug = 'demo'): BusinessEntry => ({
  id,
  name: id,
  assistants: [assistant(id, `${id}-a`, slug)],
  numbers: [{ address, assistantId: `${id}-a` }],
  trunks: [],
  knowledge: { version: '1', documents: [], questions: [] },
});

test('a number leads to its assistant, an unknown one to nobody', () => {
  const directory = new Directory();
  directory.publish(entry('b1', '+15550100'));
  expect(directory.route('+15550100', undefined)?.assistant.id).toBe('b1-a');
  expect(directory.route('+15550199', undefined)).toBeUndefined();
  expect(directory.route('assistant:demo', undefined)?.assistant.id).toBe('b1-a');
  expect(directory.route('assistant:other', undefined)).toBeUndefined();
});

test('the way in decides between businesses that share a name, and never lets one reach another', () => {
  const directory = new Directory();
  directory.publish(entry('b1', 'desk'));
  directory.publish(entry('b2', 'desk'));
  expect(directory.route('desk', undefined)).toBeUndefined();
  expect(directory.route('desk', 'b2')?.businessId).toBe('b2');
  directory.publish(entry('b1', '+15550100', 'one'));
  expect(directory.route('+15550100', 'b2')).toBeUndefined();
  expect(directory.routeOf('b2', 'b1-a')).toBeUndefined();
});

test('the index is rebuilt only when the knowledge changed; removal takes the business off', () => {
  const directory = new Directory();
  directory.publish(entry('b1', 'desk'));
  const before = directory.route('desk', 'b1')?.knowledge;
  directory.publish({ ...entry('b1', 'desk'), name: 'renamed' });
  expect(directory.route('desk', 'b1')?.knowledge).toBe(before);
  directory.publish({ ...entry('b1', 'desk'), knowledge: { version: '2', documents: [], questions: [] } });
  expect(directory.route('desk', 'b1')?.knowledge).not.toBe(before);
  directory.remove('b1');
  expect(directory.route('desk', 'b1')).toBeUndefined();
});
