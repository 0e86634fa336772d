/** What a start does about a stop that was not orderly: cuts the torn tail off, and ends the calls that nobody ended. */
import { open, stat } from 'node:fs/promises';
import type { CallEvent, CallFact } from '@tandem/contract';
import type { Journal } from './journal.ts';
import { listSegments, readSegment, segmentPath } from './journal-segment.ts';

/** A call whose journal has no `call-ended`. */
export interface OpenCall {
  businessId: string;
  callId: string;
  /** Segment of its first event: it must be kept while the call is open. */
  segment: number;
  seq: number;
  /** Of the last event, milliseconds on the call's clock. */
  at: number;
  answeredAt: number | undefined;
  legs: Map<string, 'caller' | 'agent'>;
  recordingSince: number | undefined;
}

export interface Repair {
  /** The last segment, and its length after the repair. A journal without segments has 0 and 0. */
  segment: number;
  length: number;
  /** Bytes that were cut off the end. */
  torn: number;
  /** Lines that failed their sum. */
  damaged: number;
  openCalls: OpenCall[];
}

/**
 * Reads every segment there is: finds the calls that are open, and truncates the last segment after its last whole
 * line, so that the next append begins on a line of its own.
 */
export async function repairJournal(folder: string): Promise<Repair> {
  const repair: Repair = { segment: 0, length: 0, torn: 0, damaged: 0, openCalls: [] };
  const calls = new Map<string, OpenCall>();
  for (const segment of await listSegments(folder)) {
    repair.segment = segment;
    repair.length = 0;
    for await (const chunk of readSegment(folder, segment)) {
      for (const event of chunk.events) followCall(calls, event, segment);
      repair.length = chunk.wholeUntil ?? repair.length;
      repair.damaged += chunk.damaged;
    }
  }
  if (repair.segment > 0) repair.torn = await truncateAfter(segmentPath(folder, repair.segment), repair.length);
  repair.openCalls = [...calls.values()];
  return repair;
}

async function truncateAfter(path: string, length: number): Promise<number> {
  const { size } = await stat(path);
  if (size <= length) return 0;
  const handle = await open(path, 'r+');
  try {
    await handle.truncate(length);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return size - length;
}

/** Keeps account of one event in the open calls. */
export function followCall(calls: Map<string, OpenCall>, event: CallEvent, segment: number): void {
  if (event.type === 'call-ended') {
    calls.delete(event.callId);
    return;
  }
  let call = calls.get(event.callId);
  if (!call) {
    if (event.type !== 'call-received') return; // its ending came first: a late event of a call that is over
    const { businessId, callId } = event;
    call = { businessId, callId, segment, seq: -1, at: 0, answeredAt: undefined, legs: new Map(), recordingSince: undefined };
    calls.set(callId, call);
  }
  call.seq = Math.max(call.seq, event.seq);
  call.at = Math.max(call.at, event.at);
  if (event.type === 'call-answered') call.answeredAt = event.at;
  if (event.type === 'leg-joined') call.legs.set(event.legId, event.party);
  if (event.type === 'leg-left') call.legs.delete(event.legId);
  if (event.type === 'recording-started') call.recordingSince = event.at;
  if (event.type === 'recording-stopped') call.recordingSince = undefined;
}

/**
 * Ends calls that a dead process left open, as of their last event: legs left, recording stopped, `call-ended` by
 * system, `process-died`. The duration counts from answer, 0 for a call that was never answered.
 */
export function closeDeadCalls(journal: Journal, calls: readonly OpenCall[]): void {
  for (const call of calls) {
    const { businessId, callId, at } = call;
    let seq = call.seq;
    const append = (fact: CallFact) => journal.append({ businessId, callId, seq: ++seq, at, ...fact });
    for (const [legId, party] of call.legs) append({ type: 'leg-left', legId, party, cause: 'process-died' });
    if (call.recordingSince !== undefined) {
      append({ type: 'recording-stopped', reason: 'process-died', durationMs: at - call.recordingSince });
    }
    append({
      type: 'call-ended',
      by: 'system',
      reason: 'process-died',
      durationMs: call.answeredAt === undefined ? 0 : at - call.answeredAt,
    });
  }
}
