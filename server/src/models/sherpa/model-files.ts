/** Which streaming model lies in a folder, by the names that sherpa-onnx's published models have. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** `modelConfig` of sherpa-onnx-node, but for what is the same for every model. */
export interface ModelFiles {
  tokens: string;
  transducer?: { encoder: string; decoder: string; joiner: string };
  paraformer?: { encoder: string; decoder: string };
  zipformer2Ctc?: { model: string };
}

/** Throws, with a sentence for the log, when it is none. The quantised file is preferred: it is faster on a processor. */
export async function modelFilesIn(folder: string): Promise<ModelFiles> {
  const names = (await readdir(folder)).toSorted();
  const find = (part: string): string | undefined => {
    const found = names.filter((name) => name.endsWith('.onnx') && name.includes(part));
    const name = found.find((candidate) => candidate.includes('int8')) ?? found[0];
    return name && join(folder, name);
  };
  if (!names.includes('tokens.txt')) throw new Error(`${folder} has no tokens.txt`);
  const tokens = join(folder, 'tokens.txt');
  const [encoder, decoder, joiner, model] = ['encoder', 'decoder', 'joiner', 'model'].map(find);
  if (encoder && decoder && joiner) return { tokens, transducer: { encoder, decoder, joiner } };
  if (encoder && decoder) return { tokens, paraformer: { encoder, decoder } };
  const only = model ?? find('ctc');
  if (only) return { tokens, zipformer2Ctc: { model: only } };
  throw new Error(`${folder} has no streaming model (encoder, decoder and joiner, or one model)`);
}
