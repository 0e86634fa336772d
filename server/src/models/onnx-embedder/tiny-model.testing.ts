/** A sentence model small enough to be written in a test: a table of vectors by token, as an ONNX file made byte by byte. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '#kit/random.ts';

export const TINY_DIMENSIONS = 16;
const WORDS =
  'when do you open on saturday we at nine bicycle tyre pressure question about bread tyres teeth the number of list today query passage'.split(
    ' ',
  );
const SIGNS = Array.from('abcdefghijklmnopqrstuvwxyz0123456789?:,.');
export const TINY_VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...WORDS, ...SIGNS, ...SIGNS.map((sign) => `##${sign}`)];

/** A row per token. The row of the padding is long, so that whoever counts it is found out; those of the marks are short. */
export function tinyTable(): Float32Array {
  const random = new SeededRandom(5);
  const scale = [100, 1, 0.1, 0.1];
  return Float32Array.from(
    { length: TINY_VOCABULARY.length * TINY_DIMENSIONS },
    (_, at) => (random.next() - 0.5) * (scale[Math.floor(at / TINY_DIMENSIONS)] ?? 1),
  );
}

export function writeTinyModel(folder: string, more: Record<string, unknown> = {}): void {
  mkdirSync(join(folder, '1_Pooling'), { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), tinyOnnx());
  const marks = (token: string, id: number) => ({ id: token, ids: [id], tokens: [token] });
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const files: Record<string, unknown> = {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map(special),
      normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [
          { SpecialToken: { id: '[CLS]', type_id: 0 } },
          { Sequence: { id: 'A', type_id: 0 } },
          { SpecialToken: { id: '[SEP]', type_id: 0 } },
        ],
        pair: [],
        special_tokens: { '[CLS]': marks('[CLS]', 2), '[SEP]': marks('[SEP]', 3) },
      },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(TINY_VOCABULARY.map((token, id) => [token, id])),
      },
    },
    'tokenizer_config.json': { model_max_length: 64, tokenizer_class: 'BertTokenizer' },
    'config.json': { max_position_embeddings: 512, pad_token_id: 0 },
    ...more,
  };
  for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(body));
}

/** Protocol buffers: a varint, a length-delimited field, a number field. */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}
const field = (number: number, body: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
};
const number = (at: number, value: number): Buffer => Buffer.from([...varint(at * 8), ...varint(value)]);
const message = (at: number, ...parts: Uint8Array[]): Buffer => field(at, Buffer.concat(parts));

const FLOAT = 1;
const INT64 = 7;

/** onnx.proto: `last_hidden_state = Gather(table, input_ids)`; the mask is an input that nothing reads. */
function tinyOnnx(): Buffer {
  const table = tinyTable();
  const value = (at: number, name: string, type: number, ...dims: string[]) =>
    message(at, field(1, name), message(2, message(1, number(1, type), message(2, ...dims.map((dim) => message(1, field(2, dim)))))));
  const initializer = message(
    5,
    number(1, TINY_VOCABULARY.length),
    number(1, TINY_DIMENSIONS),
    number(2, FLOAT),
    field(8, 'table'),
    field(9, new Uint8Array(table.buffer)),
  );
  const graph = message(
    7,
    message(1, field(1, 'table'), field(1, 'input_ids'), field(2, 'last_hidden_state'), field(4, 'Gather')),
    field(2, 'tiny'),
    initializer,
    value(11, 'input_ids', INT64, 'batch', 'sequence'),
    value(11, 'attention_mask', INT64, 'batch', 'sequence'),
    value(12, 'last_hidden_state', FLOAT, 'batch', 'sequence', 'size'),
  );
  return Buffer.concat([number(1, 8), field(2, 'tandem'), graph, message(8, field(1, ''), number(2, 13))]);
}
