import { describe, expect, test } from 'vitest';
import { isLoopback, requireAllowed, requireLoopback } from './target.ts';

describe('only this machine is called', () => {
  test.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each(['10.0.0.1', '192.0.2.7', 'example.com', '127.0.0.1.example.com', 'localhost.example.com', '0.0.0.0', '::', '1270.0.0.1', ''])(
    '%s is not',
    (host) => {
      expect(isLoopback(host)).toBe(false);
      expect(() => requireLoopback(host, false)).toThrow(expect.objectContaining({ code: 'forbidden' }));
      expect(() => requireLoopback(host, true)).not.toThrow();
    },
  );

  test('an address that a server hands out is looked at too', () => {
    expect(() => requireAllowed('ws://127.0.0.1:3001/gateways/twilio/media', false)).not.toThrow();
    expect(() => requireAllowed('wss://voice.example.com/media', false)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => requireAllowed('not a url', true)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
