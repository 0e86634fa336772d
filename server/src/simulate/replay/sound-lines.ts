/** The caller's channel of a recording, cut into what they said in each turn. */
import { MULAW_SILENCE } from '#audio/frame.ts';
import { parseWav, writeWavHeader } from '#audio/wav.ts';
import { TandemError } from '#kit/errors.ts';
import type { RecordedTurn } from './recorded-turns.ts';

const RATE = 8_000;
const PER_MS = RATE / 1_000;
/** Kept before and after the words: their times are not exact. */
const MARGIN_MS = 200;

/** WAV files (µ-law, mono) by turn. Throws `invalid-input` for anything but a stereo recording of ours. */
export function cutLines(recording: Uint8Array, turns: readonly RecordedTurn[]): Map<number, Uint8Array> {
  const file = parseWav(recording);
  if (!file || file.encoding !== 'mulaw' || file.channels !== 2 || file.rate !== RATE) {
    throw new TandemError('invalid-input', 'The recording is not stereo µ-law at 8 kHz');
  }
  const lines = new Map<number, Uint8Array>();
  for (const { turn, parts } of turns) {
    const [first, last] = [parts.at(0), parts.at(-1)];
    if (!first || !last) continue;
    const from = Math.max(0, Math.floor((first.fromMs - MARGIN_MS) * PER_MS));
    const to = Math.min(file.frames, Math.ceil((last.toMs + MARGIN_MS) * PER_MS));
    if (to <= from) continue;
    const sound = new Uint8Array(to - from).fill(MULAW_SILENCE);
    for (let i = 0; i < sound.length; i++) sound[i] = recording[file.dataOffset + (from + i) * 2];
    lines.set(turn, wavOf(sound));
  }
  return lines;
}

function wavOf(sound: Uint8Array): Uint8Array {
  const header = writeWavHeader({ encoding: 'mulaw', channels: 1, rate: RATE }, sound.length);
  const bytes = new Uint8Array(header.length + sound.length + (sound.length & 1));
  bytes.set(header);
  bytes.set(sound, header.length);
  return bytes;
}
