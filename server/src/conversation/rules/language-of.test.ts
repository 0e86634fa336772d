import { expect, test } from 'vitest';
import { languageOf } from './language-of.ts';

test.each([
  ['We are open from eight until six.', 'en'],
  ['Wir haben von acht bis sechs Uhr geöffnet.', 'de-AT'],
  ['Estamos abiertos de ocho a seis, y el sábado hasta la una.', 'es'],
  ['Nous sommes ouverts de huit heures à dix-huit heures.', 'fr'],
])('%j', (text, language) => {
  expect(languageOf(text, ['en', 'de-AT', 'es', 'fr'])).toBe(language);
});

test('the first language stands when nothing speaks for another', () => {
  expect(languageOf('Dr. Smith, 555 0100.', ['de', 'en'])).toBe('de');
  expect(languageOf('We are open.', ['de', 'fr'])).toBe('de');
});
