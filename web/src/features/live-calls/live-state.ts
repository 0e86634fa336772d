/** What a live call looks like now, projected from its events. Pure: the same events give the same picture. */
import type { CallEvent, Ending } from '@tandem/contract';

export type LiveLine = {
  key: string;
  party: 'caller' | 'assistant';
  turn: number;
  /** Words that will not change any more. */
  text: string;
  /** Words still being recognised. */
  tail: string;
  /** More is to come. */
  open: boolean;
  interrupted: boolean;
};

export type LiveState = {
  speaking: 'caller' | 'assistant' | 'thinking' | undefined;
  lines: readonly LiveLine[];
  /** Voice-to-voice, one per answered turn, in order. */
  latencies: readonly number[];
  answered: boolean;
  ending: Ending | undefined;
};

const join = (a: string, b: string): string => (a && b ? `${a} ${b}` : a || b);

export function liveStateOf(events: readonly CallEvent[]): LiveState {
  const lines: LiveLine[] = [];
  const latencies: number[] = [];
  let speaking: LiveState['speaking'];
  /** What the floor falls back to when the caller stops: a cough must not look like a question. */
  let without: LiveState['speaking'];
  let answered = false;
  let ending: Ending | undefined;

  const callerLine = (turn: number): LiveLine => {
    const known = lines.findLast((line) => line.party === 'caller' && line.turn === turn);
    if (known) return known;
    const line: LiveLine = { key: `caller-${turn}`, party: 'caller', turn, text: '', tail: '', open: true, interrupted: false };
    lines.push(line);
    return line;
  };
  const assistantLine = (turn: number): LiveLine | undefined => lines.findLast((line) => line.party === 'assistant' && line.turn === turn);

  for (const event of events) {
    switch (event.type) {
      case 'call-answered':
        answered = true;
        break;
      case 'speech-started':
        speaking = 'caller';
        break;
      case 'speech-ended':
        if (speaking === 'caller') speaking = without;
        break;
      case 'transcript-partial':
        callerLine(event.turn).tail = event.text;
        break;
      case 'transcript-final': {
        const line = callerLine(event.turn);
        line.text = line.open ? join(line.text, event.text) : event.text;
        line.tail = '';
        break;
      }
      case 'turn-committed': {
        const line = callerLine(event.turn);
        line.text = event.text;
        line.tail = '';
        line.open = false;
        speaking = without = 'thinking';
        break;
      }
      case 'reply-started': {
        const key = `assistant-${event.turn}-${event.epoch}`;
        lines.push({ key, party: 'assistant', turn: event.turn, text: '', tail: '', open: true, interrupted: false });
        without = 'assistant';
        if (speaking !== 'caller') speaking = without;
        break;
      }
      case 'speech-played': {
        const line = assistantLine(event.turn);
        if (line) line.text = join(line.text, event.text);
        break;
      }
      case 'reply-interrupted': {
        const line = assistantLine(event.turn);
        if (line) {
          line.interrupted = true;
          line.open = false;
          if (event.heard) line.text = event.heard;
        }
        without = undefined;
        if (speaking !== 'caller') speaking = without;
        break;
      }
      case 'reply-resumed': {
        const line = assistantLine(event.turn);
        if (line) {
          line.interrupted = false;
          line.open = true;
        }
        speaking = without = 'assistant';
        break;
      }
      case 'turn-completed': {
        const line = assistantLine(event.turn);
        if (line) {
          if (event.heard) line.text = event.heard;
          line.open = false;
          line.interrupted = event.interrupted;
        }
        if (event.voiceToVoiceMs !== undefined) latencies.push(event.voiceToVoiceMs);
        without = undefined;
        if (speaking !== 'caller') speaking = without;
        break;
      }
      case 'call-ended':
        ending = { by: event.by, reason: event.reason };
        speaking = undefined;
        for (const line of lines) line.open = false;
        break;
      default:
        break;
    }
  }
  return { speaking, lines: lines.filter(({ text, tail, open }) => text || tail || open), latencies, answered, ending };
}
