import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyRtpHeader } from './packet.ts';
import { EVENT_BYTES, TelephoneEventReceiver, TelephoneEventSender } from './telephone-event.ts';

interface EventPacket {
  code: number;
  timestamp: number;
  duration: number;
  ended: boolean;
  marker: boolean;
}

function hear(packets: EventPacket[], receiver = new TelephoneEventReceiver()): string {
  let digits = '';
  for (const packet of packets) {
    const header = { ...emptyRtpHeader(), ssrc: 1, timestamp: packet.timestamp >>> 0, marker: packet.marker, payloadEnd: EVENT_BYTES };
    const bytes = Uint8Array.of(packet.code, (packet.ended ? 0x80 : 0) | 10, packet.duration >> 8, packet.duration & 0xff);
    digits += receiver.push(header, bytes) ?? '';
  }
  return digits;
}

/** A press as RFC 4733 sends it: growing duration every 20 ms, three end packets. */
function press(code: number, timestamp: number, ms = 200): EventPacket[] {
  const packets: EventPacket[] = [];
  for (let duration = 160; duration <= ms * 8; duration += 160)
    packets.push({ code, timestamp, duration, ended: false, marker: duration === 160 });
  const last = { code, timestamp, duration: ms * 8, ended: true, marker: false };
  packets.splice(-1, 1, last, last, last);
  return packets;
}

describe('receiving', () => {
  test('each press is one digit', () => {
    expect(hear([...press(1, 1000), ...press(1, 5000), ...press(11, 9000), ...press(15, 13_000)])).toBe('11#D');
  });

  test('whatever is lost, doubled or reordered within presses, as long as one packet of each arrives', () => {
    const presses = [4, 4, 0, 9, 9, 10].map((code, i) => press(code, 0xfffff000 + i * 2400));
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(100), { minLength: 1, maxLength: 20 }), { minLength: 6, maxLength: 6 }), (choices) => {
        const packets = choices.flatMap((choice, i) => choice.map((n) => presses[i][n % presses[i].length]));
        expect(hear(packets)).toBe('44099*');
      }),
    );
  });

  test('stragglers of an earlier press are no new one', () => {
    const first = press(5, 1000);
    const second = press(6, 4000);
    expect(hear([...first.slice(0, 4), ...second.slice(0, 4), ...first.slice(4), ...second.slice(4)])).toBe('56');
  });

  test('an event longer than 0xffff goes on in segments and stays one digit', () => {
    const packets: EventPacket[] = [];
    for (let segment = 0; segment < 3; segment++) {
      for (let duration = 160; duration <= 0xffff; duration += 160) {
        packets.push({ code: 3, timestamp: 1000 + segment * 0xffff, duration, ended: false, marker: segment === 0 && duration === 160 });
      }
    }
    packets.push(...press(3, 1000 + 3 * 0xffff + 4000));
    expect(hear(packets)).toBe('33');
  });

  test('what is no key is no digit; any bytes are taken', () => {
    expect(hear(press(16, 1000))).toBe('');
    const receiver = new TelephoneEventReceiver();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12, size: 'max' }), (bytes) => {
        receiver.push({ ...emptyRtpHeader(), payloadEnd: bytes.length }, bytes);
      }),
    );
  });
});

describe('sending', () => {
  /** Pulls until idle; returns the steps and the packets a receiver would see. */
  function pullAll(sender: TelephoneEventSender): { steps: string[]; packets: EventPacket[] } {
    const steps: string[] = [];
    const packets: EventPacket[] = [];
    const payload = new Uint8Array(EVENT_BYTES);
    let start = 0;
    for (let n = 0; n < 1000; n++) {
      const step = sender.step();
      if (step === 'idle') break;
      steps.push(step);
      if (step !== 'event') continue;
      if (sender.first) start = 160 * n;
      sender.write(payload, 0);
      packets.push({
        code: payload[0],
        timestamp: start,
        duration: (payload[2] << 8) | payload[3],
        ended: payload[1] >= 0x80,
        marker: sender.first,
      });
    }
    return { steps, packets };
  }

  test('a digit: marker first, one timestamp, growing duration, three end packets, a gap of at least 70 ms', () => {
    const sender = new TelephoneEventSender();
    expect(sender.send('5#')).toBe(true);
    const { packets } = pullAll(sender);
    const first = packets.slice(0, packets.length / 2);
    expect(first.filter((packet) => packet.marker)).toHaveLength(1);
    expect(first[0].marker).toBe(true);
    expect(first.map((packet) => packet.duration)).toEqual([...Array.from({ length: 10 }, (_, i) => 160 * (i + 1)), 1600, 1600]);
    expect(first.filter((packet) => packet.ended)).toHaveLength(3);
    expect(new Set(first.map((packet) => packet.timestamp)).size).toBe(1);
    const second = packets[packets.length / 2];
    expect(second.timestamp - (first[0].timestamp + 1600)).toBeGreaterThanOrEqual(70 * 8);
    expect(sender.sending).toBe(false);
  });

  test('what is sent is heard, for any digits and tone lengths', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9*#A-D]{1,20}$/), fc.integer({ min: 0, max: 400 }), (digits, toneMs) => {
        const sender = new TelephoneEventSender(toneMs);
        expect(sender.send(digits)).toBe(true);
        const { packets } = pullAll(sender);
        expect(hear(packets)).toBe(digits);
        for (const packet of packets.filter((one) => one.ended)) {
          expect(packet.duration).toBeGreaterThanOrEqual(160 * 8);
          expect(packet.duration).toBeLessThanOrEqual(250 * 8);
        }
      }),
    );
  });

  test('unknown keys and too many digits are refused whole', () => {
    const sender = new TelephoneEventSender();
    expect(sender.send('12x')).toBe(false);
    expect(sender.step()).toBe('idle');
    expect(sender.send('1'.repeat(65))).toBe(false);
    expect(sender.send('ab')).toBe(true);
    sender.clear();
    expect(sender.step()).toBe('idle');
  });
});
