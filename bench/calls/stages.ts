/**
 * Where a thread's time goes: a profile's self time by the part of the house that the code is in. Native functions (system
 * calls of a socket, the addon) count for whoever called them.
 */
import type { Profiler } from 'node:inspector';

/** First rule that fits a function's file decides; files outside of the server are Node's and the packages' own. */
const stages: readonly [stage: string, file: RegExp][] = [
  ['sockets and SIP', /server\/src\/(rtp|sip)\/|telephony\/sip\//],
  ['line: jitter, playout, codec', /server\/src\/(audio|telephony)\//],
  ['voice activity, end of turn', /models\/(webrtc-vad|silero|smart-turn)\/|onnx/],
  ['providers', /server\/src\/models\/|node_modules\/(ws|eventsource-parser)\//],
  ['conversation', /server\/src\/(conversation|assistants|knowledge)\//],
  ['journal, recording, call', /server\/src\/calls\//],
  ['kit and contract', /server\/src\/kit\/|contract\/src\//],
  ['other packages', /node_modules\//],
  ['node: network', /node:(net|dgram|internal\/(stream_base_commons|dgram|streams)|_http|http|https|tls|stream|events|zlib)/],
  ['node: other', /node:/],
  ['server, other', /server\/src\//],
];

export interface StageShare {
  stage: string;
  /** Of the time the thread was at work, 0 to 1. */
  share: number;
}

/** Without idle time. `wasm` and code without a file are told by their names. */
export function stageShares({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): StageShare[] {
  const stageOf = new Map<number, string | undefined>();
  // Callers stand before those they call.
  for (const { id, callFrame, children = [] } of nodes) {
    const stage = stageOfFrame(callFrame.functionName, callFrame.url, stageOf.get(id));
    stageOf.set(id, stage);
    for (const child of children) stageOf.set(child, stage);
  }
  const times = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const stage = stageOf.get(id);
    if (stage === undefined) continue;
    const us = Math.max(0, timeDeltas[index] ?? 0);
    total += us;
    times.set(stage, (times.get(stage) ?? 0) + us);
  }
  return [...times].map(([stage, us]) => ({ stage, share: us / total })).sort((a, b) => b.share - a.share);
}

/** Undefined for idle time. */
function stageOfFrame(functionName: string, url: string, caller: string | undefined): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)' || functionName === '(root)') return 'native code (system calls, timers)';
  if (url.startsWith('wasm:') || url.includes('.wasm')) return 'WebAssembly';
  return stages.find(([, file]) => file.test(url))?.[0] ?? caller ?? 'native functions';
}
