/** Who said what, in order: the caller's lines as they were said, the assistant's as the journal has them. Pure. */
import type { CallEvent } from '@tandem/contract';
import type { SpokenLine } from './outcome.ts';

/** The assistant's clauses and the caller's lines, sorted by their beginning. Milliseconds since the answer. */
export function spokenLines(caller: readonly SpokenLine[], events: readonly CallEvent[]): SpokenLine[] {
  const answeredAt = events.find(({ type }) => type === 'call-answered')?.at ?? 0;
  const interrupted = new Set(events.flatMap((event) => (event.type === 'turn-completed' && event.interrupted ? [event.turn] : [])));
  const lines: SpokenLine[] = [];
  const newest = new Map<number, SpokenLine>();
  for (const event of events) {
    if (event.type !== 'speech-played' || event.text === '') continue;
    const line: SpokenLine = {
      who: 'assistant',
      text: event.text,
      fromMs: event.fromAt - answeredAt,
      toMs: event.toAt - answeredAt,
      turn: event.turn,
      ...(event.filler ? { kind: 'filler' } : {}),
    };
    lines.push(line);
    if (!event.filler) newest.set(event.turn, line);
  }
  // A cut is in the last thing that was heard of its turn.
  for (const [turn, line] of newest) if (interrupted.has(turn)) line.interrupted = true;
  return [...lines, ...caller].sort((a, b) => a.fromMs - b.fromMs);
}
