import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { geminiParameters } from './tool-schema.ts';

describe('parameters in what Gemini takes of JSON Schema', () => {
  test('a schema made by zod', () => {
    const schema = z.object({
      name: z.string().min(1).describe('whose'),
      when: z.iso.date(),
      kind: z.enum(['pickup', 'delivery']).optional(),
      size: z.literal(3),
      note: z.string().nullable(),
      guests: z.array(z.object({ age: z.int().positive() })),
    });
    expect(geminiParameters(z.toJSONSchema(schema) as Record<string, unknown>)).toEqual({
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, description: 'whose' },
        when: expect.objectContaining({ type: 'string' }) as object,
        kind: { type: 'string', enum: ['pickup', 'delivery'] },
        size: { type: 'string', enum: ['3'] },
        note: { type: 'string', nullable: true },
        guests: {
          type: 'array',
          items: { type: 'object', properties: { age: expect.objectContaining({ type: 'integer' }) as object }, required: ['age'] },
        },
      },
      required: ['name', 'when', 'size', 'note', 'guests'],
    });
  });

  test('references are followed, circles end', () => {
    const parameters = {
      type: 'object',
      properties: { person: { $ref: '#/$defs/person' } },
      $defs: { person: { type: 'object', properties: { name: { type: 'string' }, friend: { $ref: '#/$defs/person' } } } },
    };
    expect(geminiParameters(parameters)).toEqual({
      type: 'object',
      properties: { person: { type: 'object', properties: { name: { type: 'string' }, friend: { type: 'string' } } } },
    });
  });

  test('choices: oneOf, a list of types, allOf', () => {
    const properties = {
      a: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
      b: { type: ['string', 'number', 'null'] },
      c: { allOf: [{ type: 'string' }, { description: 'both' }] },
    };
    expect(geminiParameters({ type: 'object', properties })?.properties).toEqual({
      a: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      b: { anyOf: [{ type: 'string' }, { type: 'number' }], nullable: true },
      c: { type: 'string', description: 'both' },
    });
  });

  test('a property may have any name; a required one that is unknown is not asked for', () => {
    const properties = { $defs: { type: 'string' }, additionalProperties: { type: 'boolean' } };
    expect(geminiParameters({ type: 'object', properties, required: ['$defs', 'gone'] })).toEqual({
      type: 'object',
      properties,
      required: ['$defs'],
    });
  });

  test('whatever the schema, it ends, and holds no word that is refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }), (properties) => {
        const words: string[] = [];
        const walk = (schema: Record<string, unknown>): void => {
          words.push(...Object.keys(schema));
          for (const inner of Object.values(schema.properties ?? {})) walk(inner as Record<string, unknown>);
          for (const inner of (schema.anyOf ?? []) as Record<string, unknown>[]) walk(inner);
          if (schema.items) walk(schema.items as Record<string, unknown>);
        };
        walk(geminiParameters({ type: 'object', properties }) ?? {});
        expect(words.filter((word) => /^(?:\$|additional|const$|oneOf$|allOf$|not$)/.test(word))).toEqual([]);
      }),
    );
  });
});
