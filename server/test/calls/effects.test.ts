/** A tool that changes something outside, when the caller hangs up meanwhile. Whole calls on the virtual clock. */
import { afterEach, expect, test } from 'vitest';
import type { LanguageModel } from '#models/language-model.ts';
import { CallCentre } from './telephone.ts';

let centre: CallCentre;
/** No call may leave anything behind. */
afterEach(async () => {
  expect(await centre.close()).toBe(0);
  expect(centre.switchboard.live).toBe(0);
});

const taker: LanguageModel = {
  name: 'taker',
  async *generate({ messages }) {
    if (messages.at(-1)?.role === 'user') {
      const note = { name: 'Dana', number: '+15550142', text: 'Please call back', urgent: false };
      yield { type: 'tool-call', call: { id: 't1', name: 'take_message', arguments: note } };
    } else yield { type: 'text', text: 'I have taken it down.' };
  },
};

test('its outcome is in the journal before the end of the call, whose length is the talk', async () => {
  centre = await CallCentre.open({ languageModel: taker });
  const flush = centre.journal.flush.bind(centre.journal);
  // A slow disk: the effect leaves when the record of it is there, which is after the caller has gone.
  centre.journal.flush = async () => {
    await centre.kit.clock.sleep(1_500);
    return flush();
  };
  const caller = await centre.call();
  await caller.untilQuiet();
  await caller.says('take a message');
  await centre.kit.clock.advance(1_200);
  expect(centre.events('tool-called')).toHaveLength(1);
  expect(centre.events('tool-returned')).toEqual([]);
  await caller.hangsUp();
  await centre.kit.clock.advance(3_000);
  expect(centre.events('message-taken')).toMatchObject([{ name: 'Dana' }]);
  expect(centre.events('tool-returned')).toMatchObject([{ outcome: 'ok' }]);
  const [end] = centre.events('call-ended');
  expect(centre.journal.events.at(-1)).toBe(end);
  expect(end).toMatchObject({ by: 'caller', reason: 'hung-up' });
  expect(end.at - end.durationMs).toBeGreaterThan(500);
});
