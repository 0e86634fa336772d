/** Values in words, as a person would say them. */
import type { Ending, UsageLine } from '@tandem/contract';

/** `1:07`, `12:30`, `1:02:09`. */
export function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const s = String(seconds % 60).padStart(2, '0');
  const m = Math.floor(seconds / 60) % 60;
  const h = Math.floor(seconds / 3600);
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}

/** `0:07.4`: the clock with tenths, for places where words are pointed at. */
export const preciseClockOf = (ms: number): string => `${clockOf(ms)}.${Math.floor((Math.max(0, ms) % 1000) / 100)}`;

/** `34 s`, `2 min 5 s`, `1 h 12 min`. */
export function durationInWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 60)} h`;
}

/** `640 ms`, `1.8 s`. */
export const latencyOf = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`);

/** `740 bytes`, `18 KB`, `2.4 MB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return plural(bytes, 'byte');
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

const timeOnly = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const dateAndTime = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** `Today, 14:02`, `3 Nov, 09:12`, with the year when it is another one. */
export function momentOf(rfc3339: string, now: Date): string {
  const then = new Date(rfc3339);
  if (then.toDateString() === now.toDateString()) return `Today, ${timeOnly.format(then)}`;
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (then.toDateString() === yesterday.toDateString()) return `Yesterday, ${timeOnly.format(then)}`;
  return then.getFullYear() === now.getFullYear() ? dayAndTime.format(then) : dateAndTime.format(then);
}

export const wholeMomentOf = (rfc3339: string): string => whole.format(new Date(rfc3339));
export const dayOf = (rfc3339: string): string => day.format(new Date(rfc3339));

/** North American numbers in their usual groups; any other address as it stands (only its country knows how to group it); talk pages by their path. */
export function numberOf(address: string): string {
  const bare = address.replace(/^sips?:/, '');
  if (bare === '' || /^anonymous/i.test(bare)) return 'Withheld number';
  if (bare === 'browser') return 'Browser';
  if (bare.startsWith('assistant:')) return `/talk/${bare.slice('assistant:'.length)}`;
  const [, area, exchange, line] = /^\+1(\d{3})?(\d{3})(\d{4})$/.exec(bare) ?? [];
  return line ? ['+1', area, exchange, line].filter(Boolean).join(' ') : bare;
}

const parties = { caller: 'The caller', assistant: 'The assistant', agent: 'The agent', system: 'The system' } as const;

/** One plain sentence for an ending. */
export function endingInWords({ by, reason }: Ending): string {
  const sentences: Record<Ending['reason'], string> = {
    'hung-up': `${parties[by]} hung up`,
    cancelled: 'The caller gave up before the answer',
    goodbye: 'The assistant said goodbye',
    idle: 'Nobody spoke any more',
    'media-lost': 'The sound stopped arriving',
    'signalling-lost': 'The connection was lost',
    'model-failed': 'The assistant could not go on',
    transferred: 'Transferred to a person',
    rejected: 'Never answered',
    'number-unknown': 'No assistant answers that number',
    'no-common-codec': 'No sound format in common',
    'max-duration': 'The longest allowed time was reached',
    'cost-ceiling': 'The money set aside was spent',
    shutdown: 'Tandem was stopped',
    'process-died': 'Tandem stopped unexpectedly',
    error: 'Something failed on our side',
  };
  return sentences[reason] ?? reason;
}

export type EndingTone = 'neutral' | 'good' | 'slow' | 'bad';

/** How a manager should feel about an ending. */
export function endingTone({ reason }: Ending): EndingTone {
  if (reason === 'goodbye' || reason === 'transferred') return 'good';
  if (reason === 'hung-up' || reason === 'cancelled') return 'neutral';
  if (reason === 'idle' || reason === 'max-duration' || reason === 'cost-ceiling' || reason === 'shutdown') return 'slow';
  return 'bad';
}

/** `browser` → `Browser`, `sip` → `SIP`. */
export const gatewayOf = (name: string): string => (name === 'sip' ? 'SIP' : name.charAt(0).toUpperCase() + name.slice(1));

export const plural = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString()} ${n === 1 ? one : many}`;

const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const fineDollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 4,
});

/** Millionths of a US dollar: `$12.40`, below ten cents to a hundredth of a cent, `$0.0031`. */
export function costOf(micros: number): string {
  if (micros > 0 && micros < 50) return 'under $0.0001';
  return (micros > 0 && micros < 100_000 ? fineDollars : dollars).format(micros / 1_000_000);
}

const unitWords: Record<UsageLine['unit'], string> = {
  seconds: 'of sound',
  characters: 'characters spoken',
  texts: 'texts',
  'input-tokens': 'tokens read',
  'cached-tokens': 'tokens read again, from the cache',
  'output-tokens': 'tokens written',
  'input-audio-tokens': 'tokens heard',
  'output-audio-tokens': 'tokens spoken',
};

/** `12,400 tokens read`, `3 min 5 s of sound`. */
export const quantityOf = ({ unit, quantity }: Pick<UsageLine, 'unit' | 'quantity'>): string =>
  `${unit === 'seconds' ? durationInWords(quantity * 1000) : Math.round(quantity).toLocaleString()} ${unitWords[unit]}`;

/** What a provider does in a call. */
export const stageOfProvider: Record<UsageLine['stage'], string> = {
  transcriber: 'Listening',
  'language-model': 'Thinking',
  synthesizer: 'Speaking',
  'speech-to-speech': 'Listening and speaking',
  embedder: 'Finding by meaning',
};

const vendorNames: Record<string, string> = {
  openai: 'OpenAI',
  'openai-responses': 'OpenAI Responses',
  'openai-realtime': 'OpenAI Realtime',
  anthropic: 'Anthropic',
  gemini: 'Gemini',
  'gemini-live': 'Gemini Live',
  deepgram: 'Deepgram',
  assemblyai: 'AssemblyAI',
  soniox: 'Soniox',
  cartesia: 'Cartesia',
  elevenlabs: 'ElevenLabs',
  flite: 'Flite (built in)',
  pocketsphinx: 'PocketSphinx (built in)',
  extractive: 'Answers from your documents (built in)',
  'hashing-1': 'Hashing (built in)',
  'onnx-embedder': 'ONNX (local)',
  sherpa: 'Sherpa (local)',
  scripted: 'Scripted (for tests)',
};

/** A vendor as its maker writes it; one this console does not know as it stands. */
export const vendorOf = (name: string): string => vendorNames[name] ?? name;
