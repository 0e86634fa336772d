/** Twilio's media-stream messages (JSON text): read without parsing the 50 media messages a second, written by joining strings. */
import { z } from 'zod';

const startMessage = z.object({
  event: z.literal('start'),
  streamSid: z.string().min(1).max(64),
  start: z.object({
    accountSid: z.string(),
    callSid: z.string().min(1).max(64),
    customParameters: z.record(z.string(), z.string()).default({}),
    mediaFormat: z.object({ encoding: z.string(), sampleRate: z.coerce.number(), channels: z.coerce.number() }).optional(),
  }),
});

const otherMessage = z.discriminatedUnion('event', [
  z.object({ event: z.literal('connected') }),
  startMessage,
  z.object({
    event: z.literal('media'),
    streamSid: z.string(),
    media: z.object({ track: z.string().optional(), timestamp: z.coerce.number(), payload: z.string() }),
  }),
  z.object({ event: z.literal('dtmf'), streamSid: z.string(), dtmf: z.object({ digit: z.string().regex(/^[0-9A-D*#]$/) }) }),
  z.object({ event: z.literal('mark'), streamSid: z.string(), mark: z.object({ name: z.string() }) }),
  z.object({ event: z.literal('stop'), streamSid: z.string().optional() }),
]);

export type StreamMessage = z.infer<typeof otherMessage>;
export type StartMessage = z.infer<typeof startMessage>;

/** 20 ms and more of µ-law as base64, and when it was heard, milliseconds since the stream began. */
export interface MediaPayload {
  streamSid: string;
  timestamp: number;
  payload: string;
}

const MEDIA = '{"event":"media"';

/** One text message. `undefined` for anything that is none of Twilio's. */
export function readMessage(data: Buffer): StreamMessage | undefined {
  const text = data.toString('latin1');
  if (text.startsWith(MEDIA)) {
    const media = sliceMedia(text);
    if (media) return media;
  }
  try {
    const result = otherMessage.safeParse(JSON.parse(data.toString('utf8')));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

/** Twilio writes plain strings without escapes in these fields, so they can be cut out of the text. */
function sliceMedia(text: string): StreamMessage | undefined {
  const streamSid = field(text, '"streamSid":"');
  const track = field(text, '"track":"');
  const timestamp = field(text, '"timestamp":"');
  const payload = field(text, '"payload":"');
  if (streamSid === undefined || timestamp === undefined || payload === undefined) return undefined;
  return { event: 'media', streamSid, media: { track, timestamp: Number(timestamp), payload } };
}

function field(text: string, key: string): string | undefined {
  const at = text.indexOf(key, MEDIA.length);
  if (at < 0) return undefined;
  const from = at + key.length;
  const to = text.indexOf('"', from);
  return to < 0 ? undefined : text.slice(from, to);
}

/** What we send on one stream. */
export class StreamWriter {
  readonly #mediaHead: string;
  readonly #streamSid: string;

  constructor(streamSid: string) {
    this.#streamSid = JSON.stringify(streamSid);
    this.#mediaHead = `{"event":"media","streamSid":${this.#streamSid},"media":{"payload":"`;
  }

  /** The first `length` bytes of `mulaw`. */
  media(mulaw: Buffer, length: number): string {
    return `${this.#mediaHead}${mulaw.toString('base64', 0, length)}"}}`;
  }

  mark(name: string): string {
    return `{"event":"mark","streamSid":${this.#streamSid},"mark":{"name":${JSON.stringify(name)}}}`;
  }

  clear(): string {
    return `{"event":"clear","streamSid":${this.#streamSid}}`;
  }
}
