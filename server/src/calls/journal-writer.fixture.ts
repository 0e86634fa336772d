/** The process that the kill test kills: appends as fast as it may and prints each durable seq. */
import { systemKit } from '#kit/kit.ts';
import { openJournal } from './journal-file.ts';

const [, , folder = '', first = '0'] = process.argv;
const kit = systemKit('silent');
const { journal } = await openJournal(
  folder,
  kit,
  (events) => {
    const last = events.at(-1);
    if (last) process.stdout.write(`${last.seq}!\n`);
  },
  { segmentBytes: 200_000 },
);

let seq = Number(first);
for (;;) {
  for (let i = 0; i < 20; i++) {
    journal.append({
      businessId: 'business_1',
      callId: 'call_1',
      seq,
      at: seq,
      type: 'transcript-partial',
      turn: 1,
      text: 'x'.repeat(seq % 300),
    });
    seq++;
  }
  await kit.clock.sleep(1);
}
