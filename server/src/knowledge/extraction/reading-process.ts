/**
 * The child that reads one document: the order by message, the file on standard input, progress and one answer by
 * message. It has no environment, may write nothing and start nothing, and is killed when it takes too much.
 */
import type { Extracted, ExtractionError, ExtractionLimits } from './extraction.ts';
import { faultOf, readDocument } from './read-document.ts';

export interface ReadingOrder {
  limits: ExtractionLimits;
  fileName?: string;
  mediaType?: string;
}

export type ReadingAnswer =
  | { type: 'progress'; share: number }
  | { type: 'extracted'; extracted: Extracted }
  /** `detail`: for the log. */
  | { type: 'failed'; fault: ExtractionError['fault']; message: string; detail?: string };

const PROGRESS_STEP = 0.02;

async function read(order: ReadingOrder): Promise<ReadingAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  const bytes = Buffer.concat(chunks.splice(0), size);
  let told = 0;
  const progress = (share: number) => {
    if (share < told + PROGRESS_STEP) return;
    told = share;
    send({ type: 'progress', share });
  };
  try {
    const extracted = await readDocument({ bytes, fileName: order.fileName, mediaType: order.mediaType }, order.limits, progress);
    return { type: 'extracted', extracted };
  } catch (error) {
    const { fault, message, cause } = faultOf(error);
    return { type: 'failed', fault, message, detail: cause instanceof Error ? cause.stack?.slice(0, 2_000) : undefined };
  }
}

/** Without the parent there is nobody to read for. */
function send(answer: ReadingAnswer, then: () => void = () => {}): void {
  if (process.connected) process.send?.(answer, undefined, undefined, then);
  else process.exit(0);
}

process.once('message', (order) => {
  void read(order as ReadingOrder).then((answer) => send(answer, () => process.exit(0)));
});
process.once('disconnect', () => process.exit(0));
// A library that throws where nobody waits (a stream, a timer) ends the reading, not with a stack on a screen.
process.on('uncaughtException', (error) => {
  const { fault, message } = faultOf(error);
  send({ type: 'failed', fault, message, detail: error.stack?.slice(0, 2_000) }, () => process.exit(0));
});
