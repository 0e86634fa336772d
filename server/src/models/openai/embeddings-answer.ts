/** The body of an answer to `/embeddings`: vectors by their index, as base64 or as numbers. */
import { z } from 'zod';
import { messageOf, VendorError } from '#kit/errors.ts';

const answer = z.object({
  data: z.array(z.object({ index: z.number().int().nonnegative().optional(), embedding: z.union([z.string(), z.array(z.number())]) })),
  usage: z.object({ prompt_tokens: z.number().nonnegative().optional(), total_tokens: z.number().nonnegative().optional() }).optional(),
});

/** Throws `VendorError` unless there is one vector of one size, with numbers in it, for each of `count` texts. */
export function readEmbeddings(vendor: string, text: string, count: number): { vectors: Float32Array[]; tokens: number } {
  const fault = (what: string, cause?: unknown) => new VendorError(vendor, 'retryable', `no embeddings: ${what}`, { cause });
  let body: z.infer<typeof answer>;
  try {
    body = answer.parse(JSON.parse(text));
  } catch (thrown) {
    throw fault(thrown instanceof z.ZodError ? 'the answer has another shape' : messageOf(thrown).slice(0, 100), thrown);
  }
  const vectors = Array.from<Float32Array | undefined>({ length: count });
  for (const [place, { index = place, embedding }] of body.data.entries()) {
    if (index < count) vectors[index] = unitLength(typeof embedding === 'string' ? ofBase64(embedding) : Float32Array.from(embedding));
  }
  const size = vectors[0]?.length;
  const whole = vectors.filter((vector): vector is Float32Array => vector !== undefined && vector.length > 0 && vector.length === size);
  if (body.data.length !== count || whole.length !== count) throw fault(`${whole.length} vectors for ${count} texts`);
  if (whole.some((vector) => !Number.isFinite(vector[0]))) throw fault('a vector without a direction');
  return { vectors: whole, tokens: body.usage?.prompt_tokens ?? body.usage?.total_tokens ?? 0 };
}

/** Little-endian 32-bit numbers. */
function ofBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  const vector = new Float32Array(bytes.length >> 2);
  for (let i = 0; i < vector.length; i++) vector[i] = bytes.readFloatLE(4 * i);
  return vector;
}

/** OpenAI's are, others' need not be. A vector of nothing, or with something that is no number, becomes all NaN. */
function unitLength(vector: Float32Array): Float32Array {
  let square = 0;
  for (const value of vector) square += value * value;
  const scale = square > 0 && square < Number.POSITIVE_INFINITY ? 1 / Math.sqrt(square) : Number.NaN;
  return vector.map((value) => value * scale);
}
