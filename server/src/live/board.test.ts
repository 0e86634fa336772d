import type { CallEvent } from '@tandem/contract';
import { describe, expect, test } from 'vitest';
import { LiveBoard } from './board.ts';

const head = { businessId: 'business_1', callId: 'call_1' };
const received = {
  ...head,
  type: 'call-received',
  seq: 0,
  at: 0,
  direction: 'inbound',
  gateway: 'sip',
  from: 'a',
  to: 'b',
  startedAt: '2026-01-01T00:00:00.000Z',
};
const boardWith = (events: readonly object[]) => {
  const board = new LiveBoard();
  const all = [received, ...events.map((event, index) => ({ ...head, seq: index + 1, at: index + 1, ...event }))];
  for (const event of all) board.take(event as CallEvent);
  return board;
};
const kept = (board: LiveBoard) => board.events(head.businessId, head.callId).map(({ seq }) => seq);

describe('what the live board keeps of a call', () => {
  test('of what somebody is saying the newest, and nothing that no screen shows', () => {
    const board = boardWith([
      { type: 'transcript-partial', turn: 1, text: 'where' },
      { type: 'transcript-partial', turn: 1, text: 'where is' },
      { type: 'decisions-taken', digest: 'x', decisions: 3 },
      { type: 'speech-ended', party: 'caller', durationMs: 300 },
      { type: 'transcript-partial', turn: 2, text: 'the' },
    ]);
    expect(kept(board)).toEqual([0, 2, 4, 5]);
    expect(board.list(head.businessId)).toHaveLength(1);
  });

  test('of a long call the newest, and the row knows them all', () => {
    const turns = Array.from({ length: 1_500 }, (_, turn) => ({
      type: 'turn-committed',
      turn,
      text: 'hello',
      source: 'speech',
      stages: {},
      rule: 'silence',
    }));
    const board = boardWith(turns);
    expect(kept(board).length).toBeLessThanOrEqual(1_000);
    expect(kept(board).at(-1)).toBe(1_500);
    expect(board.list(head.businessId)[0].turns).toBe(boardWith(turns.slice(0, 750)).list(head.businessId)[0].turns * 2);
  });

  test('another business sees nothing', () => {
    const board = boardWith([]);
    expect([board.events('business_2', head.callId), board.list('business_2')]).toEqual([[], []]);
  });
});
