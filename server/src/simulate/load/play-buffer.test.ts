import { expect, test } from 'vitest';
import { PlayBuffer } from './play-buffer.ts';
import { voice } from './voices.ts';

function carrier() {
  const heard: number[] = [];
  const echoed: string[] = [];
  const buffer = new PlayBuffer({
    lateMs: 5,
    heard: (power, at) => void (power > 1_000 && heard.push(at)),
    echo: (mark) => void echoed.push(mark),
  });
  return { buffer, heard, echoed };
}

test('sound that came ahead is heard at the speed of speech, and a mark when all before it was', () => {
  const { buffer, heard, echoed } = carrier();
  buffer.push(voice(0, 60), 1_000, true);
  buffer.mark('said');
  buffer.play(1_020);
  expect(heard).toEqual([1_000, 1_010]);
  expect(echoed).toEqual([]);
  buffer.play(1_060);
  expect(heard).toEqual([1_000, 1_010, 1_020, 1_030, 1_040, 1_050]);
  expect(echoed).toEqual(['said']);
});

test('what is cleared is never heard, and its marks come back at once', () => {
  const { buffer, heard, echoed } = carrier();
  buffer.push(voice(0, 200), 0, true);
  buffer.mark('cut');
  buffer.clear(45);
  buffer.play(400);
  expect(heard).toEqual([0, 10, 20, 30]);
  expect(echoed).toEqual(['cut']);
  buffer.push(voice(0, 20), 500, true);
  buffer.play(600);
  expect(heard.slice(4)).toEqual([500, 510]);
});

test('a message is late when what was before it had been played for more than 5 ms, in one breath', () => {
  const { buffer } = carrier();
  const frame = voice(0, 20);
  buffer.push(frame, 0, true);
  buffer.push(frame, 24, true); // 4 ms of silence
  buffer.push(frame, 52, true); // 8 ms
  buffer.push(frame, 2_000, true); // another sentence
  expect({ judged: buffer.judged, late: buffer.late }).toEqual({ judged: 4, late: 1 });
});
