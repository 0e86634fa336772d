/** What was said in a simulated call, turn by turn and sentence by sentence. */
import type { SimulatedCall, SpokenLine } from '../outcome.ts';

/** What one party said in one turn. */
export interface Utterance {
  text: string;
  turn: number | undefined;
  fromMs: number;
  /** Where each line begins in `text`, and when. */
  starts: { index: number; fromMs: number }[];
}

/** The assistant's words, the lines of one turn joined: a phrase may go from one clause into the next. */
export function assistantTurns(call: SimulatedCall): Utterance[] {
  const turns: Utterance[] = [];
  let before: SpokenLine | undefined;
  for (const line of call.lines) {
    const last = turns.at(-1);
    if (line.who === 'assistant') {
      const goesOn = last !== undefined && (line.turn === undefined ? before?.who === 'assistant' : last.turn === line.turn);
      const text = line.text.trim();
      if (goesOn) {
        last.starts.push({ index: last.text.length + 1, fromMs: line.fromMs });
        last.text += ` ${text}`;
      } else turns.push({ text, turn: line.turn, fromMs: line.fromMs, starts: [{ index: 0, fromMs: line.fromMs }] });
    }
    before = line;
  }
  return turns;
}

/** When a part of it was said: the beginning of the line that holds the part's first word. */
export function saidAt({ text, starts, fromMs }: Utterance, part: string): number {
  const index = text.indexOf(part);
  return starts.findLast((start) => start.index <= index)?.fromMs ?? fromMs;
}

export const sentencesOf = (text: string): string[] =>
  text
    .split(/(?<=[.!?…])\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');

/** `0:07.3`. */
export function clockOf(atMs: number): string {
  const tenths = Math.round(atMs / 100);
  const seconds = Math.floor(tenths / 10);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}.${tenths % 10}`;
}

/** When the call was answered, on the clock of its events; lines count from there. */
export const answeredAt = ({ events }: Pick<SimulatedCall, 'events'>): number =>
  events.find(({ type }) => type === 'call-answered')?.at ?? 0;
