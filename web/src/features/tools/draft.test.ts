import type { ToolDefinition } from '@tandem/contract';
import { expect, test } from 'vitest';
import { draftOf, inputOf, newTool } from './draft.ts';

const lookUp: ToolDefinition = {
  kind: 'http',
  id: 'tool_1',
  businessId: 'b',
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
  name: 'look_up_order',
  description: 'Finds an order',
  parameters: { type: 'object', properties: { order: { type: 'string' } } },
  method: 'GET',
  url: 'https://shop.example.com/orders/{{order}}',
  headers: { authorization: 'Bearer {{secret:SHOP}}' },
  body: '',
  reconcileUrl: '',
  sideEffect: false,
  interruptible: true,
  timeoutMs: 4_000,
  say: '',
  assistantIds: [],
  enabled: true,
  secretNames: ['SHOP', 'OLD'],
};

test('a kept secret is not sent; a typed one is, and null takes one away', () => {
  const draft = draftOf(lookUp);
  expect(inputOf(draft, false)).toMatchObject({ secrets: {}, headers: lookUp.headers, interruptible: true });
  expect(inputOf(draft, false)).not.toHaveProperty('kind');
  const secrets = draft.secrets.map((secret) => (secret.name === 'OLD' ? { ...secret, removed: true } : { ...secret, value: 'new' }));
  expect(inputOf({ ...draft, secrets }, false)['secrets']).toEqual({ SHOP: 'new', OLD: null });
});

test('what a kind does not have is not sent; a tool that changes something cannot be dropped halfway', () => {
  const mcp = inputOf({ ...newTool('mcp'), name: ' bookings ', allow: 'find\n book ', interruptible: true }, true);
  expect(mcp).toMatchObject({ kind: 'mcp', name: 'bookings', allow: ['find', 'book'], interruptible: false });
  expect(mcp).not.toHaveProperty('method');
  expect(inputOf({ ...newTool('http'), sideEffect: false, reconcileUrl: 'https://x.example' }, true)).toMatchObject({ reconcileUrl: '' });
});
