import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { junitReport } from './junit.ts';
import { checkedCall } from './testing.ts';

const NAME = String.raw`[A-Za-z][\w.-]*`;
const VALUE = String.raw`"(?:[^<>&"\x00-\x1f]|&(?:amp|lt|gt|quot|#9|#10|#13);)*"`;
const TOKEN = new RegExp(String.raw`<(${NAME})((?:\s+${NAME}=${VALUE})*)\s*(\/?)>|<\/(${NAME})>|((?:[^<>&]|&(?:amp|lt|gt);)+)`, 'y');

/** Tags that were opened, in order. Throws for what is not well-formed (XML 1.0), of the part of XML that reports use. */
function tagsOf(xml: string): { name: string; attributes: Map<string, string> }[] {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  expect(xml.startsWith(head)).toBe(true);
  // XML 1.0 §2.2
  expect(xml).not.toMatch(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u);
  const tags: { name: string; attributes: Map<string, string> }[] = [];
  const open: string[] = [];
  TOKEN.lastIndex = head.length;
  while (TOKEN.lastIndex < xml.length) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(xml);
    if (!found) throw new Error(`not well-formed: ${xml.slice(from, from + 80)}`);
    const [, name, attributes, empty, closed] = found;
    if (name !== undefined) {
      const pairs = [...attributes.matchAll(/([\w.-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value] as const);
      tags.push({ name, attributes: new Map(pairs) });
      if (empty === '') open.push(name);
    } else if (closed !== undefined) expect(open.pop()).toBe(closed);
  }
  expect(open).toEqual([]);
  return tags;
}

const talk = [
  { assistant: 'Hello <you> & "yours".', turn: 0 },
  { caller: 'a & b', turn: 1 },
] as const;

test('a suite per call, a case per expectation, and counts that add up', () => {
  const good = checkedCall({ name: 'good', expect: [{ says: 'hello' }] }, talk, { file: 'scenarios/a.yaml' });
  const bad = checkedCall({ name: 'bad "one" <2>', expect: [{ says: 'zebra & co' }, { says: 'hello' }, { judge: 'x' }] }, talk, {
    run: 2,
    seed: 3,
  });
  const broken = checkedCall({ name: 'broken' }, talk, { fault: 'step 1: nobody <answered>' });
  const tags = tagsOf(junitReport([good, bad, broken]));
  const counts = (name: string, index = 0) => {
    const { attributes } = tags.filter((tag) => tag.name === name)[index];
    return ['tests', 'failures', 'errors', 'skipped'].map((key) => Number(attributes.get(key)));
  };
  expect(counts('testsuites')).toEqual([7, 1, 1, 1]);
  expect([0, 1, 2].map((index) => counts('testsuite', index))).toEqual([
    [2, 0, 0, 0],
    [4, 1, 0, 1],
    [1, 0, 1, 0],
  ]);
  expect(tags.filter(({ name }) => name === 'testcase')).toHaveLength(7);
  expect(tags.filter(({ name }) => name === 'failure')).toHaveLength(1);
  expect(tags.filter(({ name }) => name === 'testsuite').map(({ attributes }) => attributes.get('name'))).toEqual([
    'good',
    'bad &quot;one&quot; &lt;2&gt; (run 3, seed 3)',
    'broken',
  ]);
  expect(tags.find(({ name }) => name === 'testcase')?.attributes.get('time')).toMatch(/^\d+\.\d{3}$/);
});

test('is well-formed whatever was said', () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(text, text, text, (name, said, expected) => {
      const call = checkedCall({ name, expect: [{ says: expected }, { neverSays: said }] }, [{ assistant: said, turn: 0 }], {
        fault: said,
      });
      expect(tagsOf(junitReport([call]))[0].name).toBe('testsuites');
    }),
    { numRuns: 60 },
  );
});
