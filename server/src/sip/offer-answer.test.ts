import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgreedMedia, type Answer, answerOffer, type LocalMedia, makeOffer, readAnswer } from './offer-answer.ts';
import { parseSdp, writeSdp } from './sdp.ts';

const local: LocalMedia = { address: '192.0.2.10', port: 20000, codecs: ['G722', 'PCMU', 'PCMA'], sessionId: '77' };

function offer(media: string, session = 'c=IN IP4 198.51.100.5\nt=0 0\n'): string {
  return `v=0\no=peer 123 9 IN IP4 198.51.100.5\ns=call\n${session}${media}`.replaceAll('\n', '\r\n');
}

const TYPICAL = `m=audio 4000 RTP/AVP 18 8 0 101
a=rtpmap:18 G729/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
`;

function answerTo(text: string, ours: LocalMedia = local, previous?: string): Answer {
  const answer = answerOffer(text, ours, previous);
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

function agreed(result: AgreedMedia | string): AgreedMedia {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

describe('answering', () => {
  test('a typical offer', () => {
    const answer = answerTo(offer(TYPICAL));
    expect(answer.sdp.split('\r\n')).toEqual([
      'v=0',
      'o=- 77 1 IN IP4 192.0.2.10',
      's=-',
      'c=IN IP4 192.0.2.10',
      't=0 0',
      'm=audio 20000 RTP/AVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ]);
    expect(answer.agreed).toEqual({
      remoteAddress: '198.51.100.5',
      remotePort: 4000,
      remoteRtcpAddress: '198.51.100.5',
      remoteRtcpPort: 4001,
      rtcpMux: false,
      codec: 'PCMA',
      clockRate: 8000,
      payloadType: 8,
      receivePayloadType: 8,
      telephoneEventPayloadType: 101,
      receiveTelephoneEventPayloadType: 101,
      ptimeMs: 20,
      direction: 'sendrecv',
      held: false,
    });
  });

  test('the offerer’s order counts, unless ours shall', () => {
    const text = offer('m=audio 4000 RTP/AVP 0 9\n');
    expect(answerTo(text).agreed.codec).toBe('PCMU');
    expect(answerTo(text, { ...local, prefer: 'local' }).agreed).toMatchObject({ codec: 'G722', payloadType: 9, clockRate: 8000 });
  });

  test('dynamic payload types are kept; a static one may be renamed; an event on another clock is none', () => {
    const text = offer(
      'm=audio 4000 RTP/AVP 0 111 96 97\na=rtpmap:0 opus/48000/2\na=rtpmap:111 pcma/8000/1\na=rtpmap:96 telephone-event/48000\na=rtpmap:97 telephone-event/8000\n',
    );
    expect(answerTo(text).agreed).toMatchObject({ codec: 'PCMA', payloadType: 111, telephoneEventPayloadType: 97 });
  });

  test('every stream is answered in its place; the first usable audio wins', () => {
    const text = offer(
      'm=video 5000 RTP/AVP 31\nm=audio 4000 RTP/SAVP 0\nm=audio 4002 RTP/AVPF 0\nc=IN IP4 198.51.100.77\na=rtcp:9000 IN IP4 198.51.100.78\nm=audio 4004 RTP/AVP 0\nm=image 0 udptl t38\n',
    );
    const answer = answerTo(text);
    expect(answer.sdp.split('\r\n').filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 0 RTP/SAVP 0',
      'm=audio 20000 RTP/AVPF 0',
      'm=audio 0 RTP/AVP 0',
      'm=image 0 UDPTL t38',
    ]);
    expect(answer.agreed).toMatchObject({
      remoteAddress: '198.51.100.77',
      remotePort: 4002,
      remoteRtcpAddress: '198.51.100.78',
      remoteRtcpPort: 9000,
    });
  });

  test('rtcp-mux is accepted, unless we do not want it', () => {
    const text = offer('m=audio 4000 RTP/AVP 0\na=rtcp-mux\n');
    expect(answerTo(text)).toMatchObject({ agreed: { rtcpMux: true, remoteRtcpPort: 4000 }, sdp: expect.stringContaining('a=rtcp-mux') });
    const apart = answerTo(text, { ...local, rtcpMux: false, rtcpPort: 30001 });
    expect(apart.agreed).toMatchObject({ rtcpMux: false, remoteRtcpPort: 4001 });
    expect(apart.sdp).toContain('a=rtcp:30001\r\n');
  });

  test('IPv6', () => {
    const text = offer('m=audio 4000 RTP/AVP 0\n', 'c=IN IP6 2001:db8::5\nt=0 0\n');
    const answer = answerTo(text, { ...local, address: '2001:db8::10' });
    expect(answer.agreed.remoteAddress).toBe('2001:db8::5');
    expect(answer.sdp).toContain('c=IN IP6 2001:db8::10\r\n');
  });

  test.each([
    ['a=sendonly\n', '', 'recvonly', true],
    ['a=recvonly\n', '', 'sendonly', false],
    ['a=inactive\n', '', 'inactive', true],
    ['', 'a=sendonly\n', 'recvonly', true],
    ['a=sendrecv\n', 'a=inactive\n', 'sendrecv', false],
  ])('direction %j (session %j) is answered with %s', (attribute, session, direction, held) => {
    const answer = answerTo(offer(`m=audio 4000 RTP/AVP 0\n${attribute}`, `c=IN IP4 198.51.100.5\nt=0 0\n${session}`));
    expect(answer.agreed).toMatchObject({ direction, held });
    expect(answer.sdp).toContain(`a=${direction}\r\n`);
  });

  test('the old hold with 0.0.0.0, and ours on top of theirs', () => {
    const text = offer('m=audio 4000 RTP/AVP 0\n', 'c=IN IP4 0.0.0.0\nt=0 0\n');
    expect(answerTo(text).agreed).toMatchObject({ direction: 'recvonly', held: true });
    expect(answerTo(text, { ...local, direction: 'sendonly' }).agreed.direction).toBe('inactive');
  });

  test.each([
    ['', 20],
    ['a=ptime:30\n', 30],
    ['a=ptime:5\n', 10],
    ['a=ptime:200\n', 60],
    ['a=ptime:35\n', 30],
    ['a=ptime:60\na=maxptime:40\n', 40],
    ['a=ptime:x\na=maxptime:-3\n', 10],
  ])('ptime %j', (attributes, ptimeMs) => expect(answerTo(offer(`m=audio 4000 RTP/AVP 0\n${attributes}`)).agreed.ptimeMs).toBe(ptimeMs));

  test.each([
    ['no codec of ours', offer('m=audio 4000 RTP/AVP 18\n'), 'no-common-codec'],
    ['only video', offer('m=video 4000 RTP/AVP 31\n'), 'no-common-codec'],
    ['no stream', offer(''), 'no-common-codec'],
    ['audio refused', offer('m=audio 0 RTP/AVP 0\n'), 'no-common-codec'],
    ['encrypted only', offer('m=audio 4000 RTP/SAVP 0\n'), 'no-common-codec'],
    ['no text', '', 'malformed'],
    ['no connection', offer('m=audio 4000 RTP/AVP 0\n', 't=0 0\n'), 'malformed'],
    ['a bad port', offer('m=audio 70000 RTP/AVP 0\n'), 'malformed'],
    ['a payload type out of range', offer('m=audio 4000 RTP/AVP 300\na=rtpmap:300 PCMU/8000\n'), 'no-common-codec'],
  ])('%s: %s', (_what, text, expected) => expect(answerOffer(text, local)).toBe(expected));
});

describe('a session goes on (RFC 3264 §8)', () => {
  const version = (sdp: string) => parseSdp(sdp)?.origin.version;

  test('the version grows only when something changed', () => {
    const first = answerTo(offer(TYPICAL)).sdp;
    const refresh = answerTo(offer(TYPICAL), local, first).sdp;
    expect(refresh).toBe(first);
    const hold = answerTo(offer(`${TYPICAL}a=sendonly\n`), local, refresh).sdp;
    expect(version(hold)).toBe('2');
    const resumed = answerTo(offer(TYPICAL), { ...local, sessionId: 'ignored' }, hold).sdp;
    expect(version(resumed)).toBe('3');
    expect(parseSdp(resumed)?.origin.sessionId).toBe('77');
  });

  test('an offer after an answer keeps the places of the streams', () => {
    const answered = answerTo(offer(`m=video 5000 RTP/AVP 31\n${TYPICAL}`)).sdp;
    const hold = makeOffer({ ...local, direction: 'sendonly' }, answered);
    expect(parseSdp(hold)?.media.map(({ media, port }) => [media, port])).toEqual([
      ['video', 0],
      ['audio', 20000],
    ]);
    expect(version(hold)).toBe('2');
    expect(makeOffer({ ...local, direction: 'sendonly' }, hold)).toBe(hold);
  });
});

describe('offering', () => {
  const theirs: LocalMedia = { address: '198.51.100.5', port: 4000, codecs: ['PCMU'], sessionId: '1' };

  test('both sides agree on the same', () => {
    const ours = makeOffer(local);
    const answer = answerTo(ours, theirs);
    expect(answer.agreed).toMatchObject({ codec: 'PCMU', remotePort: 20000, rtcpMux: true, telephoneEventPayloadType: 101 });
    expect(agreed(readAnswer(ours, answer.sdp))).toMatchObject({
      remoteAddress: '198.51.100.5',
      remotePort: 4000,
      codec: 'PCMU',
      payloadType: 0,
      receivePayloadType: 0,
      rtcpMux: true,
      direction: 'sendrecv',
      held: false,
    });
  });

  test('the answerer may number its payload types anew', () => {
    const media = agreed(
      readAnswer(makeOffer(local), offer('m=audio 4000 RTP/AVP 98 99\na=rtpmap:98 PCMA/8000\na=rtpmap:99 telephone-event/8000\n')),
    );
    expect(media).toMatchObject({
      payloadType: 98,
      receivePayloadType: 8,
      telephoneEventPayloadType: 99,
      receiveTelephoneEventPayloadType: 101,
      rtcpMux: false,
      remoteRtcpPort: 4001,
    });
  });

  test.each([
    ['refused', offer('m=audio 0 RTP/AVP 0\n'), 'no-common-codec'],
    ['a codec that was not offered', offer('m=audio 4000 RTP/AVP 18\n'), 'no-common-codec'],
    ['no stream at all', offer(''), 'malformed'],
    ['nonsense', 'hello', 'malformed'],
  ])('%s', (_what, answer, expected) => expect(readAnswer(makeOffer(local), answer)).toBe(expected));

  test('whatever either side wants, sending and receiving match', () => {
    const direction = fc.constantFrom('sendrecv' as const, 'sendonly' as const, 'recvonly' as const, 'inactive' as const);
    const mirror = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' };
    const codecs = fc.shuffledSubarray(['PCMU', 'PCMA', 'G722'] as const, { minLength: 1 });
    fc.assert(
      fc.property(direction, direction, codecs, codecs, fc.boolean(), (mine, yours, ourCodecs, theirCodecs, rtcpMux) => {
        const ours = makeOffer({ ...local, direction: mine, codecs: ourCodecs });
        const answer = answerOffer(ours, { ...theirs, direction: yours, codecs: theirCodecs, rtcpMux });
        if (typeof answer === 'string') {
          expect(ourCodecs.some((codec) => theirCodecs.includes(codec))).toBe(false);
          return;
        }
        const read = agreed(readAnswer(ours, answer.sdp));
        expect(read.codec).toBe(answer.agreed.codec);
        expect(read.rtcpMux).toBe(answer.agreed.rtcpMux);
        expect(read.direction).toBe(mirror[answer.agreed.direction]);
      }),
    );
  });
});

describe('strangers', () => {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 a',
    's=',
    'c=IN IP4 0.0.0.0',
    'c=IN IP6 ::1/3',
    't=0 0',
    'm=audio 1 RTP/AVP 0',
    'm=',
    'a=',
    'a=ptime:',
    'a=rtcp:',
    'a=rtpmap:0',
    '=',
    ' ',
  ];
  const anything = fc.oneof(
    fc.string({ maxLength: 500 }),
    fc
      .array(fc.oneof(fc.constantFrom(...lines), fc.string({ maxLength: 30 })), { maxLength: 30 })
      .map((some) => `v=0\r\n${some.join('\r\n')}\r\n`),
  );

  test('no text makes it throw, and what was read can be written and read again', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseSdp(text);
        if (parsed) expect(parseSdp(writeSdp(parsed))).toEqual(parsed);
        const answer = answerOffer(text, local, text);
        if (typeof answer !== 'string') expect(parseSdp(answer.sdp)?.media).toHaveLength(parsed?.media.length ?? -1);
        readAnswer(makeOffer(local), text);
      }),
      { numRuns: 2000 },
    );
  });

  test('bounds: lines, streams, bytes', () => {
    expect(parseSdp(offer('a=x\n'.repeat(1001)))).toBeUndefined();
    expect(parseSdp(offer('m=audio 1 RTP/AVP 0\n'.repeat(33)))).toBeUndefined();
    expect(parseSdp(offer(`a=${'x'.repeat(65536)}\n`))).toBeUndefined();
  });
});
