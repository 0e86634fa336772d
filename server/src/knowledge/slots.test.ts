import { describe, expect, test } from 'vitest';
import { namesIn, sameSlots, slotClass } from './slots.ts';

describe('another question', () => {
  test.each([
    ['are you open on Saturday', 'are you open on Sunday'],
    ['are you open', 'are you not open'],
    ['do you deliver', "don't you deliver"],
    ['how much is a service', 'how long is a service'],
    ['how do I cancel my order', 'how do I confirm my order'],
    ['are you open today', 'are you closed today'],
    ['how much is the 26 inch wheel', 'how much is the 28 inch wheel'],
    ['how much for two', 'how much for three'],
    ['can I pay with a card', 'can I pay without a card'],
    ['what does it cost for children', 'what does it cost'],
    ['how much is the XT-400', 'how much is the XT-410'],
    ['when do you open', 'open'],
    ['who can return it', 'can I return it'],
  ])('%s / %s', (a, b) => {
    expect(sameSlots(a, b)).toBe(false);
    expect(sameSlots(b, a)).toBe(false);
  });
});

describe('the same slots', () => {
  test.each([
    ['are you open on Saturdays', 'is it open on saturday'],
    ['how much is teeth whitening', 'what does teeth whitening cost'],
    ['when do you open', 'what time do you open'],
    ['how much for two', 'what is the price for 2'],
    ['what is the price of the XT-400', 'how much is the XT-400'],
    ['what does the ex tee four hundred cost', 'how much is the XT-400'],
  ])('%s / %s', (a, b) => {
    expect(sameSlots(a, b)).toBe(true);
  });
});

test('names are capitalised words inside a question', () => {
  expect(namesIn('When does Doctor Lee work in Springfield?')).toEqual(['doctor', 'lee', 'springfield']);
  expect(namesIn('When are you open?')).toEqual([]);
});

test('values of a class stand in for each other', () => {
  expect(['sunday', 'mondays', 'april', '12', 'twelve', 'bicycle'].map(slotClass)).toEqual([
    'day',
    'day',
    'month',
    'number',
    'number',
    undefined,
  ]);
});
