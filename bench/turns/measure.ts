/** Joins what the callers said and heard, what the providers logged and what Tandem told into the measures of each turn. */
import { type CallTurn, waitOf } from '@tandem/contract';
import { heardWords } from './heard-words.ts';
import type { CallObservation, SaidUtterance } from './observation.ts';
import { type Asked, type Hearing, ProviderLog, type Spoken } from './provider-log.ts';
import { answerTo, MS_PER_CHARACTER, type Utterance, type UtteranceKind } from './script.ts';
import { Sound, STOP_MS } from './sound.ts';
import type { Run, ToldCall } from './stack.ts';

/** Milliseconds; what could not be measured is absent. */
export interface AnsweredTurn {
  line: number;
  kind: UtteranceKind;
  text: string;
  /** Absent: no answer came in time. */
  v2vMs?: number;
  /** The transcriber's own decision: end of speech -> the message that ends the turn (Flux) or brings the words. */
  endpointMs?: number;
  /** The caller's last sample -> it has arrived at the transcriber: jitter buffer and sockets. Part of PO. */
  lineMs?: number;
  /** V2V less the endpoint wait (from that arrival on) and the declared delays that no speculation hid. */
  poMs?: number;
  /** End of speech -> committed, as Tandem tells. */
  committedMs?: number;
  /** Where PO went, behind the line: what took longer than declared. */
  delays?: { requestMs: number; tokenMs: number; clauseMs: number; speechMs: number; packetMs: number };
  /** From the provider's message that ended the turn to the onset at the caller. */
  afterEndMs?: number;
  /** Committed -> first packet, as Tandem tells. */
  commitToPacketMs?: number;
  /** V2V less the sum of Tandem's own waterfall. */
  waterfallMs?: number;
  /** The longest silence inside the answer. */
  gapMs?: number;
  /** A filler was heard first. */
  filler?: boolean;
  speculation?: 'adopted' | 'missed' | 'none';
}

export interface BargeIn {
  line: number;
  /** Absent: nothing was to be interrupted, or it did not stop. */
  stopMs?: number;
  stopped: boolean;
  /** Frames of the cut generation after the cut. */
  staleFrames: number;
  /** Words that were heard, and those that the next prompt says were heard; absent when no prompt followed. */
  clauses?: string[];
  heardMs?: number;
  prompt?: string;
  heardWords?: number;
  promptWords?: number;
  /** Both are beginnings of the same answer, one word apart at most. */
  faithful?: boolean;
}

export interface Measures {
  /** Answered by Tandem -> first audible sample of the greeting. */
  greetings: number[];
  turns: AnsweredTurn[];
  bargeIns: BargeIn[];
  /** Scripted pauses, and those into which the assistant spoke. */
  pauses: { line: number; pauseMs: number; cutOff: boolean }[];
  /** Backchannels and coughs over speech. `stopped`: silence of 300 ms or more; `failed`: and it never went on. */
  harmless: { line: number; kind: UtteranceKind; stopped: boolean; failed: boolean }[];
  deadAir: number;
  /** The assistant already spoke when the caller's last sample was said. */
  overlapped: number;
  requests: number;
  /** Requests whose answer nobody heard. */
  wasted: number;
  failedCalls: string[];
  providerFailures: Record<string, number>;
  speculations: { started: number; dropped: Record<string, number> };
}

/** A stream hears the end of a caller's voice no earlier than it was said, but for a dying sound, and not much later. */
const EARLIEST_MS = 40;
const LONGEST_LINE_MS = 300;
const DEAD_AIR_MS = 2_000;
const STOP_WITHIN_MS = 2_500;
/** The end of the message that ends a turn lies at most so far behind the end of speech. */
const ENDPOINT_WITHIN_MS = 6_000;
/** Between a text and its first sound. */
const SPOKEN_WITHIN_MS = 4_000;

const plain = (text: string): string => (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');

/** The stream with the most ends of voice shortly behind the caller's own; of equals the one that follows closest. */
function hearingOf(call: CallObservation, hearings: readonly Hearing[]): Hearing | undefined {
  const ends = call.said.flatMap(({ parts }) => parts.map(({ to }) => to));
  let best: { hearing: Hearing; hits: number; lagMs: number } | undefined;
  for (const hearing of hearings) {
    const lags = ends.flatMap((end) => hearing.voiceEnds.find((at) => at > end - EARLIEST_MS && at < end + LONGEST_LINE_MS) ?? []);
    const lagMs = ends.reduce((sum, end) => sum + Math.min(...hearing.voiceEnds.map((at) => Math.abs(at - end)), LONGEST_LINE_MS), 0);
    if (!best || lags.length > best.hits || (lags.length === best.hits && lagMs < best.lagMs)) best = { hearing, hits: lags.length, lagMs };
  }
  return best?.hearing;
}

/** The request whose answer was heard: the newest with these words whose first token came before `until`. A hedge's loser gives none. */
function answering(asked: readonly Asked[], text: string, until: number): Asked | undefined {
  return asked.filter((one) => plain(one.text) === plain(text) && (one.firstTokenAt ?? Infinity) <= until).at(-1);
}

/** The voice's first text of the answer to `request`: other calls may get the same words under the same mark. */
function spokenFirst(spoken: readonly Spoken[], mark: number, answer: string, request: Asked, onset: number): Spoken | undefined {
  const from = (request.firstTokenAt ?? request.at) - 1;
  return spoken.find(
    (one) =>
      one.mark === mark &&
      one.at >= from &&
      one.firstSpeechAt !== undefined &&
      one.firstSpeechAt <= onset &&
      plain(answer).startsWith(plain(one.text)),
  );
}

class CallMeasure {
  readonly #run: Run;
  readonly #log: ProviderLog;
  readonly #call: CallObservation;
  readonly #told: ToldCall | undefined;
  readonly #sound: Sound;
  readonly #hearing: Hearing | undefined;
  readonly #into: Measures;

  constructor(run: Run, log: ProviderLog, call: CallObservation, into: Measures) {
    this.#run = run;
    this.#log = log;
    this.#call = call;
    this.#told = run.told.find(({ line }) => line === call.line);
    this.#sound = new Sound(call.heard);
    this.#hearing = hearingOf(call, log.hearings);
    this.#into = into;
  }

  all(): void {
    const { said, failed, line, answeredAt } = this.#call;
    if (failed !== undefined) this.#into.failedCalls.push(`${line}: ${failed}`);
    const greeting = answeredAt === undefined ? undefined : this.#sound.onsetAfter(answeredAt);
    if (greeting && answeredAt !== undefined) this.#into.greetings.push(greeting.at + greeting.fromMs - answeredAt);
    const requests = this.#log.askedBy(line);
    this.#into.requests += requests.length;
    const used = new Set<Asked>();
    for (const [index, utterance] of said.entries()) {
      // The last one of a call that broke off may be unfinished.
      if (failed !== undefined && index === said.length - 1) break;
      const scripted = this.#run.script[utterance.index];
      if (scripted.kind === 'pause') this.#pause(utterance);
      if (scripted.over && !utterance.afterMissed) this.#over(utterance, scripted, said[index + 1]);
      if (scripted.text !== '') this.#answered(utterance, scripted, said[index + 1], used);
    }
    this.#into.wasted += requests.filter((request) => !used.has(request)).length;
  }

  #answered(said: SaidUtterance, scripted: Utterance, next: SaidUtterance | undefined, used: Set<Asked>): void {
    const { line } = this.#call;
    const end = said.parts.at(-1)?.to ?? 0;
    const turn: AnsweredTurn = { line, kind: scripted.kind, text: scripted.text };
    const onset = this.#sound.onsetAfter(end);
    if (this.#sound.between(end - 100, end).length > 0) {
      this.#into.overlapped++;
      return;
    }
    this.#into.turns.push(turn);
    if (!onset || onset.at > (next?.parts[0].from ?? Infinity)) {
      this.#into.deadAir++;
      return;
    }
    turn.v2vMs = onset.at + onset.fromMs - end;
    if (turn.v2vMs > DEAD_AIR_MS) this.#into.deadAir++;
    this.#addTold(turn, scripted);
    if (onset.mark >= 0) turn.gapMs = this.#sound.longestGapMs(onset.mark, onset.at, next?.parts[0].from ?? Infinity);
    const final = this.#hearing?.finals.find(({ at }) => at > end - 5 && at < end + ENDPOINT_WITHIN_MS);
    if (!final) return;
    turn.endpointMs = final.at - end;
    turn.afterEndMs = onset.at - final.at;
    const arrived = this.#hearing?.voiceEnds.find((at) => at > end - EARLIEST_MS && at < end + LONGEST_LINE_MS);
    if (arrived === undefined) return;
    turn.lineMs = arrived - end;
    const request = answering(this.#log.askedBy(line), scripted.text, onset.at);
    if (request) used.add(request);
    const spoken = request && spokenFirst(this.#log.spoken, onset.mark, answerTo(scripted), request, onset.at);
    if (scripted.kind === 'approved' && !request) turn.poMs = turn.lineMs + onset.at - final.at;
    else if (request && spoken) {
      turn.poMs = turn.lineMs + onset.at - this.#ideal(final.at, request, spoken);
      turn.delays = this.#delays(final.at, request, spoken, onset.at);
    }
  }

  #delays(finalAt: number, request: Asked, spoken: Spoken, onset: number): AnsweredTurn['delays'] {
    const tokenAt = request.firstTokenAt ?? request.at;
    const speechAt = spoken.firstSpeechAt ?? spoken.at;
    return {
      requestMs: request.at - this.#begun(finalAt, request),
      tokenMs: tokenAt - request.at - request.firstTokenMs,
      clauseMs: spoken.at - (spoken.at < finalAt ? tokenAt : Math.max(tokenAt, finalAt)),
      speechMs: speechAt - spoken.at - spoken.firstSpeechMs,
      packetMs: onset - Math.max(speechAt, finalAt),
    };
  }

  /** What the request followed: the transcriber's eager end of turn, or its end of turn. */
  #begun(finalAt: number, request: Asked): number {
    if (request.at >= finalAt) return finalAt;
    return this.#hearing?.eager.findLast(({ at }) => at <= request.at + 5)?.at ?? request.at;
  }

  /** When sound could have left if nothing but the providers took time: what was begun in secret ran beside the endpoint wait. */
  #ideal(finalAt: number, request: Asked, spoken: Spoken): number {
    const words = this.#begun(finalAt, request) + request.firstTokenMs;
    return spoken.at < finalAt ? Math.max(finalAt, words + spoken.firstSpeechMs) : Math.max(finalAt, words) + spoken.firstSpeechMs;
  }

  #addTold(turn: AnsweredTurn, scripted: Utterance): void {
    const fits = ({ callerText }: CallTurn) => callerText !== null && plain(callerText) === plain(scripted.text);
    // Only approved questions come more than once; they come in order.
    const earlier = this.#into.turns.filter(({ line, text }) => line === turn.line && text === turn.text).length - 1;
    const told = this.#told?.turns.filter(fits)[earlier];
    if (!told) return;
    const { speechEndAt, committedAt, firstPacketAt, fillerAt } = told.stages;
    if (speechEndAt !== undefined && committedAt !== undefined) turn.committedMs = committedAt - speechEndAt;
    if (committedAt !== undefined && firstPacketAt !== undefined) turn.commitToPacketMs = firstPacketAt - committedAt;
    const wait = waitOf(told.stages);
    if (wait !== undefined && turn.v2vMs !== undefined) turn.waterfallMs = turn.v2vMs - wait;
    turn.filler = fillerAt !== undefined;
    for (const event of this.#told?.events ?? []) {
      if (event.type === 'turn-committed' && event.turn === told.turn) turn.speculation = event.speculation ?? 'none';
    }
  }

  #pause({ parts }: SaidUtterance): void {
    if (parts.length < 2) return;
    const [first, second] = parts;
    const frames = this.#sound.between(first.to, second.to);
    const cutOff = frames.some(({ at }) => this.#sound.onsetAfter(at)?.at === at);
    this.#into.pauses.push({ line: this.#call.line, pauseMs: second.from - first.to, cutOff });
  }

  #over(said: SaidUtterance, scripted: Utterance, next: SaidUtterance | undefined): void {
    const { from } = said.parts[0];
    const mark = this.#sound.markAt(from);
    // The answer was over before.
    if (mark === undefined) return;
    const before = this.#call.said.findLast(({ index }) => index === said.index - 1);
    const begun = this.#sound.onsetAfter(before?.parts.at(-1)?.to ?? from)?.at ?? from;
    const answer = answerTo(this.#run.script[said.index - 1]);
    if (scripted.kind === 'barge-in') this.#bargeIn(from, mark, begun, answer, scripted, next);
    else {
      const until = next?.parts[0].from ?? Infinity;
      const whole = answer.length * MS_PER_CHARACTER;
      const missing = whole - this.#sound.audibleMs(mark, begun, until);
      const stopped = missing >= STOP_MS || this.#sound.longestGapMs(mark, from, until) >= STOP_MS;
      this.#into.harmless.push({ line: this.#call.line, kind: scripted.kind, stopped, failed: missing >= STOP_MS });
    }
  }

  #bargeIn(from: number, mark: number, begun: number, answer: string, scripted: Utterance, next: SaidUtterance | undefined): void {
    const cut = this.#sound.cutAfter(from, STOP_WITHIN_MS);
    const bargeIn: BargeIn = { line: this.#call.line, stopped: cut !== undefined, staleFrames: 0 };
    this.#into.bargeIns.push(bargeIn);
    if (cut === undefined) return;
    bargeIn.stopMs = cut - from;
    const after = this.#sound.between(cut, next?.parts[0].from ?? Infinity);
    const fresh = this.#log.spoken.some((one) => one.mark === mark && one.at > from && one.at < (after.at(-1)?.at ?? 0));
    if (!fresh) bargeIn.staleFrames = after.filter((frame) => frame.mark === mark).length;
    const request = this.#log.askedBy(this.#call.line).findLast(({ text }) => plain(text) === plain(scripted.text));
    if (!request) return;
    const heardMs = this.#sound.audibleMs(mark, begun, cut + 1);
    const clauses = this.#log.spoken.filter((one) => one.mark === mark && one.at > begun - SPOKEN_WITHIN_MS && one.at < from);
    // Other calls get the same answer under the same mark: each clause once, in the answer's order.
    const place = (text: string) => plain(answer).indexOf(plain(text));
    const texts = [...new Set(clauses.map(({ text }) => text))].filter((text) => place(text) >= 0).sort((a, b) => place(a) - place(b));
    Object.assign(bargeIn, { clauses: texts, heardMs, prompt: request.saidBefore }, heardWords(texts, heardMs, request.saidBefore));
  }
}

function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

export function measure(run: Run): Measures {
  const into: Measures = {
    greetings: [],
    turns: [],
    bargeIns: [],
    pauses: [],
    harmless: [],
    deadAir: 0,
    overlapped: 0,
    requests: 0,
    wasted: 0,
    failedCalls: [],
    providerFailures: {},
    speculations: { started: 0, dropped: {} },
  };
  const log = new ProviderLog(run.log);
  for (const call of run.observation.calls) new CallMeasure(run, log, call, into).all();
  for (const { events } of run.told) {
    for (const event of events) {
      if (event.type === 'speculation-started') into.speculations.started++;
      else if (event.type === 'speculation-dropped') count(into.speculations.dropped, event.cause);
      else if (event.type === 'provider-failed') {
        count(into.providerFailures, `${event.stage} ${event.provider} ${event.category}: ${event.message}`.slice(0, 160));
      }
    }
  }
  return into;
}

/** What several stacks measured, as one. */
export function together(all: readonly Measures[]): Measures {
  const list = <T>(read: (one: Measures) => readonly T[]): T[] => all.flatMap(read);
  const sum = (read: (one: Measures) => number): number => all.reduce((total, one) => total + read(one), 0);
  const counts = (read: (one: Measures) => Record<string, number>): Record<string, number> => {
    const total: Record<string, number> = {};
    for (const one of all) for (const [key, value] of Object.entries(read(one))) total[key] = (total[key] ?? 0) + value;
    return total;
  };
  return {
    greetings: list((one) => one.greetings),
    turns: list((one) => one.turns),
    bargeIns: list((one) => one.bargeIns),
    pauses: list((one) => one.pauses),
    harmless: list((one) => one.harmless),
    deadAir: sum((one) => one.deadAir),
    overlapped: sum((one) => one.overlapped),
    requests: sum((one) => one.requests),
    wasted: sum((one) => one.wasted),
    failedCalls: list((one) => one.failedCalls),
    providerFailures: counts((one) => one.providerFailures),
    speculations: { started: sum((one) => one.speculations.started), dropped: counts((one) => one.speculations.dropped) },
  };
}
