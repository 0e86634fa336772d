import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { type EventReader, EventSink } from './event-stream.ts';

/** Hands every event on as it is; `end` completes, `bad` is a fault. */
class Echo implements EventReader<string> {
  readonly parts: string[] = [];
  complete = false;
  pieces = 0;
  ended = false;

  read(data: string, event: string | undefined): void {
    if (data === 'bad') throw new VendorError('v', 'retryable', 'bad');
    this.pieces++;
    this.parts.push(event === undefined ? data : `${event}=${data}`);
    this.complete = data === 'end';
  }

  end(): void {
    this.ended = true;
  }
}

const TEXT = ': hello\r\n\r\nevent: greeting\r\ndata: Grüße 👋\r\n\r\nretry: 7\ndata: two\ndata: lines\n\nid: 1\n: ping\ndata:none\n\n';

test('events come out the same however the bytes are cut', () => {
  const bytes = Buffer.from(TEXT);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }), (cuts) => {
      const reader = new Echo();
      const sink = new EventSink('v', reader);
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const parts = edges.slice(1).flatMap((edge, n) => [...sink.take(bytes.subarray(edges[n], edge))]);
      expect([...parts, ...sink.end()]).toEqual(['greeting=Grüße 👋', 'two\nlines', 'none']);
      expect(reader.ended).toBe(true);
      expect(sink.pieces).toBe(3);
    }),
  );
});

test('an event without its empty line is one when the connection ends there', () => {
  const sink = new EventSink('v', new Echo());
  expect([...sink.take(Buffer.from('data: cut'))]).toEqual([]);
  expect([...sink.end()]).toEqual(['cut']);
});

test('nothing is read behind the last event or behind a fault', () => {
  const whole = new EventSink('v', new Echo());
  expect([...whole.take(Buffer.from('data: end\n\ndata: more\n\n'))]).toEqual(['end']);
  expect(whole.complete).toBe(true);
  const faulty = new EventSink('v', new Echo());
  const parts: string[] = [];
  expect(() => {
    for (const part of faulty.take(Buffer.from('data: one\n\ndata: bad\n\ndata: three\n\n'))) parts.push(part);
  }).toThrow(VendorError);
  expect(parts).toEqual(['one']);
});

test('an event has a greatest length', () => {
  const sink = new EventSink('v', new Echo());
  expect(() => {
    for (let n = 0; n < 40; n++) expect([...sink.take(Buffer.from(`data: ${'x'.repeat(64 * 1024)}`))]).toEqual([]);
  }).toThrow(VendorError);
});
