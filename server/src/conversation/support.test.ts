import { expect, test } from 'vitest';
import { ReadText } from './grounding/read-texts.ts';
import { supportOf } from './support.ts';

const sources = [
  { id: 'hours', text: 'Opening hours. We are open from Monday to Friday, from 9 am to 6 pm.' },
  { id: 'prices', text: 'Prices. A basic service costs $45 and takes two days. A full service costs $90.' },
  { id: 't1', text: '{"order":"A113","state":"on its way","priceInCents":12900}' },
].map(({ id, text }) => ({ id, text: new ReadText(text, 'en') }));

test.each([
  ['We are open from nine to six.', ['hours']],
  ['The basic service is forty five dollars.', ['prices']],
  ['Your order A113 is on its way, it was $129.', ['t1']],
  ['Is there anything else?', []],
  ['The basic service costs $50.', []],
  ['Sure.', []],
])('%s', (sentence, ids) => {
  expect(supportOf([sentence], sources, 'en')).toEqual([{ text: sentence, passages: ids }]);
});
