/**
 * Between the codec on the wire (20 ms are always 160 bytes) and a leg's format, loss concealment included. µ-law on a
 * µ-law leg is copied, A-law goes through one table; only a codec that changes in the middle of a call is resampled.
 */
import { MULAW_SILENCE, type Sound, type SoundFormat } from '#audio/frame.ts';
import {
  ALAW_SILENCE,
  ALAW_TO_LINEAR,
  ALAW_TO_MULAW,
  LINEAR_TO_ALAW,
  LINEAR_TO_MULAW,
  MULAW_TO_ALAW,
  MULAW_TO_LINEAR,
} from '#audio/g711.ts';
import { G722Decoder, G722Encoder } from '#audio/g722.ts';
import { createResampler } from '#audio/resampler.ts';
import { CodedConcealment, Concealment } from '#rtp/concealment.ts';
import type { AudioCodec } from '#sip/offer-answer.ts';

export const WIRE_BYTES = 160;

/** One call's conversion both ways; stateful, nothing allocated per frame. */
export interface WireCodec {
  readonly codec: AudioCodec;
  /** True when the far end must get every frame that was encoded, or its memory differs from ours. */
  readonly remembers: boolean;
  /** Turns a received frame into sound of the leg. `bytes` may be changed. */
  decode(bytes: Uint8Array, heard: Sound): void;
  /** Makes up a frame that was lost. */
  conceal(heard: Sound): void;
  /** Nothing was sent to us: silence that is no loss. */
  rest(heard: Sound): void;
  /** Undefined is silence; a codec with a memory must see it, too, or the far end's memory would differ. */
  encode(sound: Sound | undefined, bytes: Uint8Array): void;
}

export function makeWireCodec(codec: AudioCodec, format: SoundFormat): WireCodec {
  if (codec === 'G722') return format === 'linear-16000' ? new WidebandCodec() : new NarrowedCodec();
  const law = codec === 'PCMU' ? mulaw : alaw;
  return format === 'mulaw-8000' ? new LawCodec(law) : new WidenedCodec(law);
}

/** The byte of silence of a codec, as the jitter buffer wants it. */
export function silenceByteOf(codec: AudioCodec): number {
  if (codec === 'PCMU') return MULAW_SILENCE;
  return codec === 'PCMA' ? ALAW_SILENCE : G722_SILENCE;
}

/** G.722: zero difference in both bands. */
const G722_SILENCE = 0xfa;
const QUIET_WIDE = new Int16Array(2 * WIRE_BYTES);

interface Law {
  codec: 'PCMU' | 'PCMA';
  toLinear: Int16Array;
  fromLinear: Uint8Array;
  toMulaw: Uint8Array | undefined;
  fromMulaw: Uint8Array | undefined;
}
const mulaw: Law = { codec: 'PCMU', toLinear: MULAW_TO_LINEAR, fromLinear: LINEAR_TO_MULAW, toMulaw: undefined, fromMulaw: undefined };
const alaw: Law = { codec: 'PCMA', toLinear: ALAW_TO_LINEAR, fromLinear: LINEAR_TO_ALAW, toMulaw: ALAW_TO_MULAW, fromMulaw: MULAW_TO_ALAW };

/** G.711 on a µ-law leg. */
class LawCodec implements WireCodec {
  readonly codec: AudioCodec;
  readonly remembers = false;
  readonly #law: Law;
  readonly #concealment: CodedConcealment;
  readonly #made = new Uint8Array(WIRE_BYTES);

  constructor(law: Law) {
    this.#law = law;
    this.codec = law.codec;
    this.#concealment = new CodedConcealment(law.toLinear, law.fromLinear);
  }

  decode(bytes: Uint8Array, heard: Sound): void {
    this.#concealment.keep(bytes);
    translate(bytes, heard, this.#law.toMulaw);
  }

  conceal(heard: Sound): void {
    this.#concealment.conceal(this.#made);
    translate(this.#made, heard, this.#law.toMulaw);
  }

  rest(heard: Sound): void {
    this.#concealment.reset();
    heard.fill(MULAW_SILENCE);
  }

  encode(sound: Sound | undefined, bytes: Uint8Array): void {
    if (sound) translate(sound, bytes, this.#law.fromMulaw);
    else bytes.fill(silenceByteOf(this.codec));
  }
}

function translate(from: Sound, into: Sound, table: Uint8Array | undefined): void {
  if (!table) into.set(from);
  else for (let i = 0; i < WIRE_BYTES; i++) into[i] = table[from[i]];
}

/** G.722 on a wideband leg. */
class WidebandCodec implements WireCodec {
  readonly codec = 'G722';
  readonly remembers = true;
  readonly #decoder = new G722Decoder();
  readonly #encoder = new G722Encoder();
  readonly #concealment = new Concealment(16_000);

  decode(bytes: Uint8Array, heard: Sound): void {
    const linear = heard as Int16Array;
    this.#decoder.decode(bytes, linear);
    this.#concealment.keep(linear);
  }

  conceal(heard: Sound): void {
    this.#concealment.conceal(heard as Int16Array);
  }

  rest(heard: Sound): void {
    this.#concealment.reset();
    heard.fill(0);
  }

  encode(sound: Sound | undefined, bytes: Uint8Array): void {
    this.#encoder.encode((sound ?? QUIET_WIDE) as Int16Array, bytes);
  }
}

/** G.722 on a µ-law leg: the peer changed its codec during the call. */
class NarrowedCodec implements WireCodec {
  readonly codec = 'G722';
  readonly remembers = true;
  readonly #inner = new WidebandCodec();
  readonly #down = createResampler(16_000, 8_000);
  readonly #up = createResampler(8_000, 16_000);
  readonly #wide = new Int16Array(2 * WIRE_BYTES);
  readonly #narrow = new Int16Array(WIRE_BYTES);

  decode(bytes: Uint8Array, heard: Sound): void {
    this.#inner.decode(bytes, this.#wide);
    this.#narrowTo(heard);
  }

  conceal(heard: Sound): void {
    this.#inner.conceal(this.#wide);
    this.#narrowTo(heard);
  }

  rest(heard: Sound): void {
    this.#inner.rest(this.#wide);
    this.#narrowTo(heard);
  }

  encode(sound: Sound | undefined, bytes: Uint8Array): void {
    for (let i = 0; i < WIRE_BYTES; i++) this.#narrow[i] = sound ? MULAW_TO_LINEAR[sound[i]] : 0;
    this.#up.process(this.#narrow, this.#wide);
    this.#inner.encode(this.#wide, bytes);
  }

  #narrowTo(heard: Sound): void {
    this.#down.process(this.#wide, this.#narrow);
    for (let i = 0; i < WIRE_BYTES; i++) heard[i] = LINEAR_TO_MULAW[this.#narrow[i] & 0xffff];
  }
}

/** G.711 on a wideband leg: the peer changed its codec during the call. */
class WidenedCodec implements WireCodec {
  readonly codec: AudioCodec;
  readonly remembers = true;
  readonly #law: Law;
  readonly #concealment = new Concealment(8_000);
  readonly #up = createResampler(8_000, 16_000);
  readonly #down = createResampler(16_000, 8_000);
  readonly #narrow = new Int16Array(WIRE_BYTES);

  constructor(law: Law) {
    this.#law = law;
    this.codec = law.codec;
  }

  decode(bytes: Uint8Array, heard: Sound): void {
    for (let i = 0; i < WIRE_BYTES; i++) this.#narrow[i] = this.#law.toLinear[bytes[i]];
    this.#concealment.keep(this.#narrow);
    this.#up.process(this.#narrow, heard as Int16Array);
  }

  conceal(heard: Sound): void {
    this.#concealment.conceal(this.#narrow);
    this.#up.process(this.#narrow, heard as Int16Array);
  }

  rest(heard: Sound): void {
    this.#concealment.reset();
    this.#narrow.fill(0);
    this.#up.process(this.#narrow, heard as Int16Array);
  }

  encode(sound: Sound | undefined, bytes: Uint8Array): void {
    this.#down.process((sound ?? QUIET_WIDE) as Int16Array, this.#narrow);
    for (let i = 0; i < WIRE_BYTES; i++) bytes[i] = this.#law.fromLinear[this.#narrow[i] & 0xffff];
  }
}
