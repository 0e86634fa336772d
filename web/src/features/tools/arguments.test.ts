import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Argument, type ArgumentType, argumentTypes, newArgument, readSchema, rowsOf, schemaOf } from './arguments.ts';

describe('the arguments of a tool', () => {
  test('a table makes the schema that a language model is given', () => {
    const rows: Argument[] = [
      { ...newArgument, name: 'order_number', description: 'As on the receipt' },
      { ...newArgument, name: 'day', type: 'date', required: false },
      { ...newArgument, name: 'size', type: 'choice', choices: 'small, large, small,' },
      { ...newArgument, name: ' ' },
    ];
    expect(schemaOf(rows)).toEqual({
      type: 'object',
      properties: {
        order_number: { type: 'string', description: 'As on the receipt' },
        day: { type: 'string', format: 'date' },
        size: { type: 'string', enum: ['small', 'large'] },
      },
      required: ['order_number', 'size'],
    });
  });

  test('a schema that says more than a table shows is left as it stands', () => {
    expect(rowsOf({ type: 'object', properties: {} })).toEqual([]);
    for (const schema of [
      { type: 'object', properties: {}, additionalProperties: false },
      { type: 'object', properties: { a: { type: 'array', items: {} } } },
      { type: 'object', properties: { a: { type: 'string', minLength: 3 } } },
      { type: 'object', properties: { a: { type: 'string', format: 'email' } } },
      { type: 'object', properties: { a: { type: 'string', enum: ['one, two'] } } },
      { type: 'object', properties: {}, required: ['a'] },
      { type: 'string' },
      [],
      'text',
    ])
      expect(rowsOf(schema)).toBeUndefined();
  });

  test('what is not JSON, or no object, is refused in words', () => {
    expect(readSchema('{"type":"object"}')).toEqual({ schema: { type: 'object' } });
    expect(readSchema('[]')).toEqual({ fault: expect.stringContaining('is an object') });
    expect(readSchema('{')).toEqual({ fault: expect.stringContaining('not JSON') });
  });

  test('every table comes back from its schema', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/).filter((each) => each !== '__proto__');
    const rows = fc.uniqueArray(
      fc.record({
        name,
        type: fc.constantFrom(...(Object.keys(argumentTypes) as ArgumentType[])),
        description: fc.stringMatching(/^[A-Za-z ]{0,20}$/).map((text) => text.trim()),
        required: fc.boolean(),
        choices: fc.constantFrom('one', 'one, two'),
      }),
      { selector: (row) => row.name, maxLength: 8 },
    );
    fc.assert(
      fc.property(rows, (table) => {
        const plain = table.map((row) => ({ ...row, choices: row.type === 'choice' ? row.choices : '' }));
        expect(rowsOf(schemaOf(plain))).toEqual(plain);
      }),
    );
  });
});
