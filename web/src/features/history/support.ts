/** What each answer of a call rests on: the passages and tool results behind its sentences. Pure, from the call's events. */
import type { CallEvent, Confidence, Verdict } from '@tandem/contract';

/** One source of an answer; `n` is its number on the page. */
export type SupportSource = {
  n: number;
  id: string;
  title: string;
  /** The document or approved question it is from; undefined for the result of a tool. */
  documentId: string | undefined;
  score: number | undefined;
  /** Sentences that rest on it. */
  sentences: string[];
};

export type SupportedSentence = { text: string; sources: number[] };

export type TurnSupport = {
  verdict: Verdict | undefined;
  confidence: Confidence | undefined;
  /** What was looked up; undefined where nothing was. */
  query: string | undefined;
  tookMs: number | undefined;
  cached: boolean;
  /** Undefined where the call did not keep them: then `sources` are all that was found. */
  sentences: SupportedSentence[] | undefined;
  sources: SupportSource[];
  /** Passages that were found and support no sentence. */
  unused: number;
};

type Event<Type extends CallEvent['type']> = Extract<CallEvent, { type: Type }>;

/** By turn. Of several look-ups of a turn (words that went on, a follow-up) the last is what the answer was made of. */
export function supportOf(events: readonly CallEvent[]): ReadonlyMap<number, TurnSupport> {
  const looked = new Map<number, Event<'retrieval-done'>>();
  const completed = new Map<number, Event<'turn-completed'>>();
  /** Passages of earlier turns count too: an answer may go on with what was found before. */
  const passages = new Map<string, Event<'retrieval-done'>['passages'][number]>();
  const tools = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'retrieval-done') {
      looked.set(event.turn, event);
      for (const passage of event.passages) passages.set(passage.id, passage);
    } else if (event.type === 'turn-completed') completed.set(event.turn, event);
    else if (event.type === 'tool-called') tools.set(event.toolCallId, event.name);
  }
  const turns = new Set([...looked.keys(), ...completed.keys()]);
  const support = new Map<number, TurnSupport>();
  for (const turn of turns) {
    const found = looked.get(turn);
    const said = completed.get(turn)?.sentences;
    if (!found && !said) continue;
    const sources: SupportSource[] = [];
    const sourceOf = (id: string): SupportSource | undefined => {
      const known = sources.find((source) => source.id === id);
      if (known) return known;
      const passage = passages.get(id);
      const tool = tools.get(id);
      if (!passage && tool === undefined) return undefined;
      const fresh = {
        n: sources.length + 1,
        id,
        title: passage?.title ?? tool ?? '',
        documentId: passage?.documentId,
        score: passage?.score,
      };
      sources.push({ ...fresh, sentences: [] });
      return sources.at(-1);
    };
    const sentences = said?.map(({ text, passages: ids }): SupportedSentence => {
      const its = ids.map(sourceOf).filter((source) => source !== undefined);
      for (const source of its) source.sentences.push(text);
      return { text, sources: its.map(({ n }) => n) };
    });
    // An older call, or one cut short, tells only what was found.
    if (!sentences) for (const { id } of found?.passages ?? []) sourceOf(id);
    support.set(turn, {
      verdict: found?.verdict ?? (found && (found.answerable ? 'answer' : 'unknown')),
      confidence: found?.confidence,
      query: found?.query,
      tookMs: found?.tookMs,
      cached: found?.cached ?? false,
      sentences,
      sources,
      unused: (found?.passages ?? []).filter(({ id }) => !sources.some((source) => source.id === id)).length,
    });
  }
  return support;
}

const bare = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');

/**
 * The sources that are named after each word: `marks.get(6)` are the numbers of the sentence that ends with the seventh word.
 * What was said besides (a filler) and what was cut off has none.
 */
export function marksOf(words: readonly { text: string }[], sentences: readonly SupportedSentence[]): ReadonlyMap<number, number[]> {
  const marks = new Map<number, number[]>();
  const heard = words.map(({ text }) => bare(text));
  let from = 0;
  let before: { last: number; sources: readonly number[] } | undefined;
  for (const { text, sources } of sentences) {
    const sought = text.split(/\s+/).map(bare).filter(Boolean);
    const last = endOf(heard, from, sought);
    if (last === undefined) continue;
    // Sentences in a row that rest on the same are marked once, at their end.
    if (before !== undefined && before.last === from - 1 && before.sources.join() === sources.join()) marks.delete(before.last);
    before = { last, sources };
    from = last + 1;
    if (sources.length > 0) marks.set(last, sources);
  }
  return marks;
}

/** Index of the last word of `sought` in `heard`, from `from` on; words without a letter count for nothing. */
function endOf(heard: readonly string[], from: number, sought: readonly string[]): number | undefined {
  for (let start = from; start < heard.length; start++) {
    let at = start;
    let matched = 0;
    while (at < heard.length && matched < sought.length && (heard[at] === '' || heard[at] === sought[matched])) {
      if (heard[at] !== '') matched++;
      at++;
    }
    if (matched === sought.length && matched > 0) return at - 1;
  }
  return undefined;
}
