/** The words on the caller's screen. */
export type Caption = { id: number; party: 'caller' | 'assistant'; turn: number; text: string; final: boolean };

const CAPTIONS_AT_MOST = 200;

/**
 * A caption replaces the one it continues: the caller's of the same turn, the assistant's while that was not final
 * (after a final one a turn's next words are a new caption).
 */
export function takeCaption(captions: readonly Caption[], next: Omit<Caption, 'id'>): readonly Caption[] {
  const at = captions.findLastIndex(
    ({ party, turn, final }) => party === next.party && turn === next.turn && (party === 'caller' || !final),
  );
  const known = captions[at];
  if (known) return captions.with(at, { ...next, id: known.id });
  return [...captions, { ...next, id: (captions.at(-1)?.id ?? 0) + 1 }].slice(-CAPTIONS_AT_MOST);
}
