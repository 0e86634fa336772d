import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { SecretBox } from './secret-box.ts';

const random = new SeededRandom(7);
const box = new SecretBox(random.bytes(32), random);

test('what is sealed can be opened, and looks different each time', () => {
  for (const text of ['', 'sk-123', 'ключ 🔑'.repeat(500)]) {
    const [one, two] = [box.seal(text, 'a'), box.seal(text, 'a')];
    expect(one).toMatch(/^v1:[\w-]+$/);
    expect(one).not.toBe(two);
    expect(box.open(one, 'a')).toBe(text);
  }
});

test('with another key, in another row, changed, cut or of another version it stays shut', () => {
  const sealed = box.seal('sk-very-secret', 'a');
  const other = new SecretBox(random.bytes(32), random);
  const changed = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`;
  const tries: [SecretBox, string, string][] = [
    [other, sealed, 'a'],
    [box, sealed, 'b'],
    [box, changed, 'a'],
    [box, sealed.slice(0, 20), 'a'],
    [box, sealed.replace('v1', 'v2'), 'a'],
    [box, 'sk-very-secret', 'a'],
    [box, '', 'a'],
  ];
  for (const [opener, text, owner] of tries) {
    expect(() => opener.open(text, owner)).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
  }
});

test('a key of another length is refused', () => {
  expect(() => new SecretBox(random.bytes(16), random)).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
});
