import { inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { checkedCall } from '../testing.ts';
import { escape, html } from './html.ts';
import { timelinePage } from './page.ts';
import { waveform } from './waveform.ts';

const talk = [
  { assistant: 'Hello, Harbour Dental.', turn: 0 },
  { caller: 'What does a crown cost?', turn: 1 },
  { fact: { type: 'tool-called', turn: 1, toolCallId: 't', name: 'price_list', arguments: { item: '<crown>' } } },
  { pauseMs: 300 },
  { fact: { type: 'tool-returned', turn: 1, toolCallId: 't', name: 'price_list', outcome: 'failed', tookMs: 300, result: {} } },
  { assistant: 'A crown costs six hundred and forty pounds.', turn: 1, waitMs: 900 },
] as const;
const evil = '</script><img src=x onerror=alert(1)>&"\'';

describe('the page', () => {
  test('needs no network and runs nothing but its own script', () => {
    const call = checkedCall({ name: evil, description: evil, expect: [{ says: evil }] }, [...talk, { caller: evil, turn: 2 }], {
      fault: evil,
    });
    const page = timelinePage([call], { title: evil });
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//);
    expect(page).not.toContain('<img');
    expect(page.match(/<script/g)).toHaveLength(3);
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  test('tells verdicts, checks, waits and events in words', () => {
    const page = timelinePage([checkedCall({ name: 'price', expect: [{ says: 'crown' }, { says: 'zebra' }] }, talk)], { title: 'Calls' });
    for (const words of [
      '✗ failed',
      '✓ passed',
      'Found: nothing like it',
      'price_list · failed',
      'the caller waited 900 ms',
      'Ended: the caller hung up',
    ]) {
      expect(page).toContain(words);
    }
  });

  test('has the sound of failed calls, of all or of none, as it was', () => {
    const [good, bad] = ['hello', 'zebra'].map((says) => checkedCall({ name: says, expect: [{ says }] }, talk));
    const sounds = (page: string) => [...page.matchAll(/data-channel="(\w+)">([^<]*)</g)];
    const kept = sounds(timelinePage([good, bad], { title: 'Calls' }));
    expect(kept.map(([, channel]) => channel)).toEqual(['caller', 'assistant']);
    expect(new Uint8Array(inflateRawSync(Buffer.from(kept[1][2], 'base64')))).toEqual(bad.sound?.assistant);
    expect(sounds(timelinePage([good, bad], { title: 'Calls', withSound: () => true }))).toHaveLength(4);
    expect(sounds(timelinePage([good, bad], { title: 'Calls', withSound: () => false }))).toHaveLength(0);
  });

  test('of twenty calls that passed is smaller than a megabyte', () => {
    const long = Array.from({ length: 4 }, () => talk).flat();
    const calls = Array.from({ length: 20 }, (_, run) => checkedCall({ name: 'price', expect: [{ says: 'crown' }] }, long, { run }));
    expect(calls[0].durationMs).toBeGreaterThan(30_000);
    expect(timelinePage(calls, { title: 'Calls' }).length).toBeLessThan(1_000_000);
  });

  test('shows two calls turn by turn and says which turns differ', () => {
    const other = talk.map((one) => ('assistant' in one && one.turn === 1 ? { ...one, assistant: 'Crowns cost five hundred.' } : one));
    const [before, now] = [checkedCall({ name: 'a' }, talk), checkedCall({ name: 'a' }, other)];
    const page = timelinePage([before, now], { title: 'Fork', sideBySide: true, labels: ['Yesterday', 'With the new prompt'] });
    expect(page).toContain('≠ 1 of 2 turns differ');
    expect(page).toContain('With the new prompt');
    expect(timelinePage([before, before], { title: 'Fork', sideBySide: true })).toContain('= The same in every turn');
  });

  test('of a call in text has no time line', () => {
    const page = timelinePage([checkedCall({ name: 'a' }, talk, { level: 'text', sound: undefined })], { title: 'Calls' });
    expect(page).not.toContain('class="player"');
    expect(page).toContain('in text');
  });
});

test('what is put into HTML is escaped unless it is HTML', () => {
  expect(html`<b title="${'"'}">${['<', html`<i></i>`]}${undefined}${false}${0}</b>`.text).toBe('<b title="&quot;">&lt;<i></i>0</b>');
  expect(escape(`<>&"'`)).toBe('&lt;&gt;&amp;&quot;&#39;');
});

test('silence has no waveform, and the loudest point reaches the edge', () => {
  expect(waveform(new Uint8Array(8_000).fill(0xff))).toEqual({ path: '', points: 25 });
  const sound = new Uint8Array(8_000).fill(0xff).fill(0x80, 3_200, 4_000);
  expect(waveform(sound).path).toMatch(/^M10 50L10 2 /);
});
