/** A recorded human voice asks over the phone, is understood by PocketSphinx, and is answered from a document of the business. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KnowledgeDocument } from '@tandem/contract';
import { Baresip } from './peers/baresip.ts';
import { missing } from './peers/installed.ts';
import { TestLine } from './peers/line.ts';
import { inTurn, pause, prompt } from './peers/speech.ts';

const absent = missing('baresip', 'prompts', 'pocketsphinx');
/** The demo greeting (11 s) and an answer (7 s) are over by then, and nobody has asked yet whether the caller is still there (8 s). */
const GREETING_MS = 14_000;
const ANSWER_MS = 10_500;
/** The words of a prompt in asterisk-core-sounds-en, and a document of the business that is about them. */
const ASKED = { prompt: 'call-forwarding', title: 'Call forwarding' };
const FACT = 'Call forwarding sends every call to the dental hospital from seven in the evening. It is never used on holidays.';
let line: TestLine;
let known: KnowledgeDocument;

beforeAll(async () => {
  if (absent) return;
  line = await TestLine.open({ demo: true });
  known = await line.tandem.api('/api/v1/documents', { method: 'POST', body: { title: ASKED.title, text: FACT } });
  // A grammar is written and loaded when knowledge changes.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
});
afterAll(async () => {
  await line?.quiet();
  await line?.close();
});

describe.skipIf(absent).concurrent('a human voice', () => {
  test('is understood, and answered from an approved answer and from a document', async () => {
    const says = inTurn(pause(GREETING_MS), await prompt('location'), pause(ANSWER_MS), await prompt(ASKED.prompt), pause(40_000));
    const phone = await Baresip.start({ user: 'human', says });
    try {
      await phone.dial(`sip:demo@${line.target};transport=udp`);
      const call = await line.answered('human');
      await line.untilEvents(call, 'turn-completed', (turns) => turns.some(({ turn }) => turn === 2), GREETING_MS + 2 * ANSWER_MS + 10_000);
      await phone.hangUp();
    } catch (error) {
      throw new Error(await line.story('human'), { cause: error });
    } finally {
      await phone.stop();
    }
    const call = await line.ended('human');
    const finals = await line.events(call, 'transcript-final');
    expect(finals.map(({ text }) => text.toLowerCase())).toEqual(['location', 'call forwarding']);
    const played = await line.events(call, 'speech-played');
    const saidIn = (turn: number) =>
      played
        .filter((speech) => speech.turn === turn)
        .map(({ text }) => text)
        .join(' ');
    const [location, forwarding] = await line.events(call, 'retrieval-done');
    expect(location.answerable).toBe(true);
    expect(saidIn(location.turn)).toContain('Harbour Street');
    expect(forwarding.answerable).toBe(true);
    expect(forwarding.passages[0]).toMatchObject({ documentId: known.id, title: ASKED.title });
    expect(saidIn(forwarding.turn)).toContain('sends every call to the dental hospital from seven in the evening');
    expect(call.ending).toEqual({ by: 'caller', reason: 'hung-up' });
  });

  test('that says something else is not taken for a question', async () => {
    const says = inTurn(pause(GREETING_MS), await prompt('conf-adminmenu'), pause(40_000));
    const phone = await Baresip.start({ user: 'elsewhere', says });
    try {
      await phone.dial(`sip:demo@${line.target};transport=udp`);
      const call = await line.answered('elsewhere');
      await line.untilEvents(call, 'speech-ended', (events) => events.length > 0, GREETING_MS + 15_000);
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      await phone.hangUp();
    } finally {
      await phone.stop();
    }
    const call = await line.ended('elsewhere');
    const said = (await line.events(call, 'speech-played')).map(({ text }) => text).join(' ');
    expect(said).not.toContain('dental hospital');
    expect((await line.events(call, 'retrieval-done')).filter(({ answerable }) => answerable)).toEqual([]);
  });
});
