import { expect, test } from 'vitest';
import { mayMove, pageAddress, siteOf, TrapWatch } from './page-address.ts';

const site = { protocol: 'https:', host: 'shop.example' } as const;
const base = 'https://shop.example/guide/start.html';

test.each([
  ['more.html#top', 'https://shop.example/guide/more.html'],
  ['/index.html', 'https://shop.example/'],
  ['/a/Default.aspx?x=1', 'https://shop.example/a/?x=1'],
  ['http://SHOP.example:443/a', undefined], // another port on http
  ['http://shop.example/a', 'https://shop.example/a'],
  ['https://shop.example:443/a', 'https://shop.example/a'],
  ['https://shop.example./a', 'https://shop.example/a'],
  ['//shop.example/a/../b', 'https://shop.example/b'],
  ['?utm_source=x&id=7&utm_medium=y&gclid=z', 'https://shop.example/guide/start.html?id=7'],
  ['/a?', 'https://shop.example/a'],
  ['/a;jsessionid=ABC123?b=%20c', 'https://shop.example/a?b=%20c'],
  ['  /padded\n', 'https://shop.example/padded'],
  ['https://www.shop.example/a', undefined],
  ['https://shop.example:8443/a', undefined],
  ['https://user@shop.example/a', undefined],
  ['mailto:a@shop.example', undefined],
  ['javascript:alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['/photo.JPG', undefined],
  ['/manual.pdf', 'https://shop.example/manual.pdf'],
  ['http://[', undefined],
  [`/${'x'.repeat(2_100)}`, undefined],
])('%s', (link, address) => {
  expect(pageAddress(link, base, site)).toBe(address);
  if (address !== undefined) expect(pageAddress(address, base, site)).toBe(address);
});

test('a host may move to https, never back, never to another', () => {
  const at = (url: string) => siteOf(url) ?? { protocol: 'http:' as const, host: '' };
  expect(mayMove(at('http://a.example/'), at('https://a.example/x'))).toBe(true);
  expect(mayMove(at('https://a.example/'), at('http://a.example/'))).toBe(false);
  expect(mayMove(at('http://a.example/'), at('http://b.example/'))).toBe(false);
  expect(siteOf('ftp://a.example/')).toBeUndefined();
  expect(siteOf('nonsense')).toBeUndefined();
});

test('addresses without end are traps, a large site is none', () => {
  const traps = new TrapWatch();
  const at = (path: string) => traps.isTrap(`https://shop.example${path}`);
  expect(at('/a/b/a/b/a/b')).toBe(true);
  expect(at(`/${Array.from({ length: 25 }, (_, i) => `p${i}`).join('/')}`)).toBe(true);
  const months = Array.from({ length: 100 }, (_, i) => at(`/calendar/${2026 + Math.floor(i / 12)}/${(i % 12) + 1}`));
  expect(months.filter((trap) => !trap)).toHaveLength(40);
  const sorted = Array.from({ length: 100 }, (_, i) => at(`/list?sort=${i}`));
  expect(sorted.filter((trap) => !trap)).toHaveLength(30);
  expect(Array.from({ length: 500 }, (_, i) => at(`/product/${i}`)).includes(true)).toBe(false);
  expect(
    Array.from({ length: 500 }, (_, i) =>
      at(`/news/2026/05/story-of-${'abcdefghij'[i % 10]}${'klmnopqrst'[Math.floor(i / 10) % 10]}`),
    ).includes(true),
  ).toBe(false);
});
