import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takeWholeMessages } from './whole-messages.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;

interface Inside {
  setSocket(socket: Duplex, head: Buffer, options: object): void;
  _receiver: { write(chunk: Buffer): boolean };
}

/** A server's side without a network: bytes in, and what was heard. */
function listener({ skipUTF8Validation = true } = {}) {
  // As WebSocketServer makes them; the types know no options here.
  const webSocket = Reflect.construct(WebSocket, [null, undefined, { autoPong: false, closeTimeout: 100 }]) as WebSocket;
  const inside = webSocket as unknown as Inside;
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  inside.setSocket(socket, Buffer.alloc(0), { maxPayload: 1 << 20, allowSynchronousEvents: true, skipUTF8Validation });
  takeWholeMessages(webSocket);
  const heard: string[] = [];
  webSocket.on('message', (data: Buffer, isBinary) => heard.push(`${isBinary ? BINARY : TEXT} ${data.toString('hex')}`));
  webSocket.on('ping', (data: Buffer) => heard.push(`${PING} ${data.toString('hex')}`));
  const errors: string[] = [];
  webSocket.on('error', (error) => errors.push(error.message));
  return { webSocket, heard, errors, hear: (bytes: Buffer) => inside._receiver.write(bytes), close: () => socket.destroy() };
}

/** One frame from a client (RFC 6455 §5.2). */
function frame(opcode: number, payload: Uint8Array, { fin = true, mask = [0x37, 0xfa, 0x21, 0x3d] as readonly number[] } = {}): Buffer {
  const { length } = payload;
  const head = [(fin ? 0x80 : 0) | opcode];
  if (length < 126) head.push(0x80 | length);
  else if (length < 65_536) head.push(0x80 | 126, length >> 8, length & 0xff);
  else head.push(0x80 | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
  return Buffer.concat([Buffer.from([...head, ...mask]), payload.map((byte, i) => byte ^ mask[i & 3])]);
}

const payloads = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 400 }), weight: 8 },
  fc.integer({ min: 65_530, max: 65_545 }).map((length) => new Uint8Array(length).fill(0x41)),
);
const messages = fc.record({
  opcode: fc.constantFrom(TEXT, BINARY, PING),
  payload: payloads,
  /** Where it is cut into fragments. */
  cuts: fc.array(fc.nat(), { maxLength: 2 }),
  mask: fc.constantFrom([0, 0, 0, 0], [1, 2, 3, 4], [0xff, 0, 0x80, 9]),
});

function framesOf({
  opcode,
  payload,
  cuts,
  mask,
}: {
  opcode: number;
  payload: Uint8Array;
  cuts: number[];
  mask: readonly number[];
}): Buffer[] {
  if (opcode === PING) return [frame(PING, payload.subarray(0, 125), { mask })];
  const edges = [0, ...cuts.map((cut) => cut % (payload.length + 1)).toSorted((a, b) => a - b), payload.length];
  const parts = edges.slice(1).map((to, i) => payload.subarray(edges[i], to));
  return parts.map((part, i) => frame(i === 0 ? opcode : 0, part, { fin: i === parts.length - 1, mask }));
}

describe('whole messages', () => {
  test('whatever is sent, however the network cuts it, is heard once and in order', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (sent, sizes) => {
        const { hear, heard, errors, close } = listener();
        const bytes = Buffer.concat(sent.flatMap(framesOf));
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const to = Math.min(bytes.length, at + sizes[i % sizes.length]);
          hear(Buffer.from(bytes.subarray(at, to)));
          at = to;
        }
        close();
        expect(errors).toEqual([]);
        const payloadOf = ({ opcode, payload }: { opcode: number; payload: Uint8Array }) =>
          opcode === PING ? payload.subarray(0, 125) : payload;
        expect(heard).toEqual(sent.map((one) => `${one.opcode} ${Buffer.from(payloadOf(one)).toString('hex')}`));
      }),
      { numRuns: 200 },
    );
  });

  test('what breaks the protocol is refused as before, and nothing is heard behind it', async () => {
    for (const [bytes, words] of [
      [Buffer.from([0x82, 0x01, 0x41]), /MASK must be set/],
      [Buffer.concat([frame(TEXT, Buffer.from('a'), { fin: false }), frame(TEXT, Buffer.from('b'))]), /invalid opcode/],
      [Buffer.from([0xc1, 0x80, 1, 2, 3, 4]), /RSV1/],
      [Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]), /Max payload|Unsupported/],
    ] as const) {
      const { hear, heard, errors, close } = listener();
      hear(Buffer.concat([bytes, frame(TEXT, Buffer.from('c'))]));
      hear(frame(TEXT, Buffer.from('d')));
      await new Promise((resolve) => setImmediate(resolve));
      close();
      expect(heard).toEqual([]);
      expect(errors.join()).toMatch(words);
    }
  });

  test('nothing is heard behind a cut text whose end breaks the protocol', async () => {
    const { hear, heard, errors, close } = listener({ skipUTF8Validation: false });
    const text = frame(TEXT, Buffer.from([0x41, 0x42, 0xff]));
    hear(Buffer.from(text.subarray(0, -1)));
    hear(Buffer.concat([text.subarray(-1), frame(BINARY, Buffer.from('c'))]));
    hear(frame(BINARY, Buffer.from('d')));
    await new Promise((resolve) => setImmediate(resolve));
    close();
    expect(heard).toEqual([]);
    expect(errors.join()).toMatch(/UTF-8/);
  });

  test('nothing is heard behind a close', () => {
    const { hear, heard, close } = listener();
    hear(Buffer.concat([frame(TEXT, Buffer.from('a')), frame(CLOSE, Buffer.from([3, 0xe8])), frame(TEXT, Buffer.from('b'))]));
    close();
    expect(heard).toEqual([`${TEXT} 61`]);
  });
});
