import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { textOf } from './body.ts';
import { decode, readPage, robotRules } from './page-facts.ts';

const facts = (html: string) => readPage(html, 'tandembot');

test('links, title, base and canonical of ordinary and of careless HTML', () => {
  expect(
    facts(`<!DOCTYPE html><HTML><head><Title> Price &amp;
      list </Title><base href="/docs/"><link rel="stylesheet" href="x.css"><LINK REL='canonical' HREF='/prices'></head>
      <body><a href="a?x=1&amp;y=2">A</a><A class=big HREF=b>B</a><a rel="me nofollow" href="c">C</a><a name="d">D</a>
      <!-- <a href="hidden"> --><script>var s = '<a href="script">';</script><area href='e'><a href="f></body>`),
  ).toMatchObject({
    title: 'Price & list',
    base: '/docs/',
    canonical: '/prices',
    links: ['a?x=1&y=2', 'b', 'e'],
    noindex: false,
    nofollow: false,
  });
});

test('an end that never comes ends the page, not the program', () => {
  expect(facts('<a href="one"><!-- <a href="two">').links).toEqual(['one']);
  expect(facts('<a href="one"><script><a href="two">').links).toEqual(['one']);
  expect(facts('<a href=').links).toEqual([]);
  expect(facts('1 < 2 <a href="one">').links).toEqual(['one']);
});

test('the digest is of what can be read, not of tokens, scripts and attributes', () => {
  const one = facts('<p class="a">Open  at nine</p><script>1</script><input value="token1">').digest;
  expect(facts('<p class="b">Open at\nnine</p><script>2</script><!-- x --><input value="token2">').digest).toBe(one);
  expect(facts('<p>Open at ten</p>').digest).not.toBe(one);
  expect(facts('<h2>Open at nine</h2>').digest).not.toBe(facts('<p>Open at nine</p>').digest);
  expect(facts('<title>A</title>').digest).not.toBe(facts('<title>B</title>').digest);
});

test('rules for robots', () => {
  expect(robotRules('noindex, nofollow', 'tandembot')).toEqual({ noindex: true, nofollow: true });
  expect(robotRules('NONE', 'tandembot')).toEqual({ noindex: true, nofollow: true });
  expect(robotRules('otherbot: noindex, nofollow', 'tandembot')).toEqual({ noindex: false, nofollow: false });
  expect(robotRules('otherbot: noindex, tandembot: nofollow', 'tandembot')).toEqual({ noindex: false, nofollow: true });
  expect(robotRules('unavailable_after: 25 Jun 2010 15:00:00 PST, noindex', 'tandembot')).toEqual({ noindex: true, nofollow: false });
  expect(robotRules('max-snippet: 20, all', 'tandembot')).toEqual({ noindex: false, nofollow: false });
});

test('character references', () => {
  expect(decode('a&amp;b&#38;c&#x26;d &eacute; &#0; &#xD800; &#99999999;')).toBe('a&b&c&d &eacute; &#0; &#xD800; &#99999999;');
});

test('bytes in other charsets', () => {
  expect(textOf(Buffer.from('caf\xe9', 'latin1'), 'windows-1252')).toBe('café');
  expect(textOf(Buffer.from('<meta charset="iso-8859-1">caf\xe9', 'latin1'), undefined)).toMatch(/café$/);
  expect(textOf(Buffer.from('\uFEFFcafé'), 'windows-1252')).toBe('café');
  expect(textOf(Buffer.from('\uFEFFcafé', 'utf16le'), undefined)).toBe('café');
  expect(textOf(Buffer.from('café'), 'no-such-charset')).toBe('café');
});

test('no text breaks it, and the time grows with the length only', () => {
  const pieces = constantFrom(
    '<',
    '>',
    '"',
    "'",
    '=',
    '/',
    '!--',
    '-->',
    'a',
    ' ',
    'href',
    'script',
    '</script',
    'title',
    '&#',
    ';',
    'é',
    '\0',
  );
  assert(
    property(array(pieces, { maxLength: 200 }), (parts) => {
      const read = facts(parts.join(''));
      expect(read.digest).toHaveLength(32);
      expect(read.links.every((link) => typeof link === 'string')).toBe(true);
    }),
    { numRuns: 500 },
  );
  for (const nasty of ['<a ', '<!--', '<a href="', '<script>', '< ', "<a x='y' ", '<a\t\t\t\t', '<title>', '&#1']) {
    const began = performance.now();
    facts(nasty.repeat(1_000_000 / nasty.length));
    expect(performance.now() - began).toBeLessThan(1_500);
  }
});
