import { describe, expect, test } from 'vitest';
import type { Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import { emptyFloor, takeFloor } from './floor.ts';
import { type ConversationPolicy, conversationPolicy, type PolicySettings } from './plan.ts';

/** A floor after its greeting, whose own wakes come when they are due. */
class Rehearsal {
  floor: Floor = emptyFloor;
  readonly policy: ConversationPolicy;
  readonly actions: (FloorAction & { at: number })[] = [];
  #at = 0;

  constructor(settings: PolicySettings = {}) {
    this.policy = conversationPolicy(settings);
    this.#take({ type: 'opened', at: 0, greetingProtected: false });
    this.feed(0, { type: 'reply-audible', epoch: 1 });
    this.feed(1_000, { type: 'reply-finished', epoch: 1, goodbye: false });
  }

  /** `event` at `at`, after what fell due before. */
  feed(at: number, event: { type: FloorEvent['type'] } & Record<string, unknown>): this {
    this.until(at);
    this.#take({ ...event, at } as FloorEvent);
    return this;
  }

  /** The caller speaks from `from` to `to`; the end is noticed 200 ms later. */
  voice(from: number, to: number): this {
    return this.feed(from + 60, { type: 'speech-started', from }).feed(to + 200, { type: 'speech-ended', to });
  }

  words(at: number, text: string, more: Record<string, unknown> = {}): this {
    return this.feed(at, { type: 'words', text, final: true, sense: 'words', ...more });
  }

  until(at: number): this {
    for (let due = this.floor.wakeAt; due !== undefined && due <= at && this.floor.state !== 'closed'; due = this.floor.wakeAt) {
      this.#at = Math.max(this.#at, due);
      this.#take({ type: 'woke', at: this.#at, id: this.floor.wakeId });
    }
    this.#at = Math.max(this.#at, at);
    return this;
  }

  #take(event: FloorEvent): void {
    const [floor, actions] = takeFloor(this.floor, event, this.policy);
    this.floor = floor;
    this.actions.push(...actions.map((action) => ({ ...action, at: event.at })));
  }

  of<T extends FloorAction['type']>(type: T) {
    return this.actions.filter((action): action is Extract<FloorAction, { type: T }> & { at: number } => action.type === type);
  }

  /** What became of speculation, in order. */
  get story() {
    return this.actions.flatMap((action): (string | number)[][] => {
      if (action.type === 'speculate') return [[action.at, 'speculate', action.text]];
      if (action.type === 'forget') return [[action.at, 'forget', action.cause]];
      if (action.type === 'commit') return [[action.at, action.speculation, action.text]];
      return [];
    });
  }
}

describe('speculation', () => {
  test('begins when there are final words in silence, and is adopted by the answer to the same words', () => {
    const stage = new Rehearsal().feed(2_060, { type: 'speech-started', from: 2_000 }).words(3_100, 'I want to cancel');
    stage.feed(3_200, { type: 'speech-ended', to: 3_000 }).words(3_300, '').until(4_000);
    expect(stage.story).toEqual([
      [3_200, 'speculate', 'I want to cancel'],
      [3_600, 'adopted', 'I want to cancel'],
    ]);
    expect(stage.of('speculate')[0]).toMatchObject({ id: 1, turn: 1 });
    expect(stage.of('reply').at(-1)).toMatchObject({ kind: 'answer', turn: 1, adopt: 1 });
  });

  test('words that are not final must stay the same for a while', () => {
    const stage = new Rehearsal()
      .voice(2_000, 3_000)
      .words(3_250, 'When are', { final: false })
      .words(3_300, 'When are you', { final: false });
    stage.words(3_360, 'When are you open', { final: false }).until(3_500);
    expect(stage.story).toEqual([[3_440, 'speculate', 'When are you open']]);
  });

  test('stable partials are enough, and a final that only adds case and punctuation says the same words', () => {
    const stage = new Rehearsal().feed(2_060, { type: 'speech-started', from: 2_000 }).words(3_050, 'when are you open', { final: false });
    stage.feed(3_200, { type: 'speech-ended', to: 3_000 }).words(3_290, 'When are you open?').until(4_000);
    expect(stage.story).toEqual([
      [3_200, 'speculate', 'when are you open'],
      [3_400, 'adopted', 'When are you open?'],
    ]);
  });

  test('other words: forgotten, begun anew, and what is adopted answers what was committed', () => {
    const stage = new Rehearsal().voice(2_000, 3_000).words(3_210, 'I want to cancel it').until(3_360);
    stage.words(3_450, 'today').until(4_500);
    expect(stage.story.map(([, what, text]) => [what, text])).toEqual([
      ['speculate', 'I want to cancel it'],
      ['forget', 'words'],
      ['speculate', 'I want to cancel it today'],
      ['adopted', 'I want to cancel it today'],
    ]);
  });

  test('a cough does not throw it away, going on to speak does', () => {
    const begun = () => new Rehearsal().voice(2_000, 3_000).words(3_210, 'I want to cancel').until(3_380);
    const cough = begun();
    cough.voice(3_400, 3_650).until(6_000);
    expect(cough.story.map(([, what]) => what)).toEqual(['speculate', 'adopted']);
    const more = begun().feed(3_460, { type: 'speech-started', from: 3_400 }).until(4_040);
    expect(more.story).toHaveLength(1);
    more.until(4_050);
    expect(more.story[1]).toEqual([4_050, 'forget', 'voice']);
  });

  test('the transcriber is eager: at once, be it before the voice is seen to end', () => {
    const stage = new Rehearsal({ transcriberEndsTurns: true }).feed(2_060, { type: 'speech-started', from: 2_000 });
    stage.words(3_050, 'When are you open', { final: false }).feed(3_060, { type: 'eager-end-of-turn' });
    expect(stage.floor.state).toBe('speech');
    expect(stage.story).toEqual([[3_060, 'speculate', 'When are you open']]);
    stage
      .feed(3_200, { type: 'speech-ended', to: 3_000 })
      .words(3_390, 'When are you open?')
      .feed(3_390, { type: 'end-of-turn', to: 3_000 });
    expect(stage.story[1]).toEqual([3_390, 'adopted', 'When are you open?']);
    expect(stage.of('commit')[0].rule).toBe('transcriber');
  });

  test('what the transcriber takes back is forgotten, and the same words are not answered in secret again', () => {
    const stage = new Rehearsal({ transcriberEndsTurns: true }).voice(2_000, 3_000).words(3_250, 'Well my order', { final: false });
    stage.feed(3_260, { type: 'eager-end-of-turn' }).feed(3_300, { type: 'turn-resumed' }).until(3_650);
    expect(stage.story.slice(0, 2).map(([, what]) => what)).toEqual(['speculate', 'forget']);
    expect(stage.of('speculate')).toHaveLength(1);
    // Who foretells ends has had its say 300 ms after the words.
    stage.words(3_700, 'Well my order is late', { final: false }).until(3_950);
    expect(stage.of('speculate')).toHaveLength(1);
    stage.until(4_100);
    expect(stage.of('speculate')).toHaveLength(2);
  });

  test.each<[string, PolicySettings, string]>([
    ['it is off', { speculation: 'off' }, 'I want to cancel'],
    ['nothing but hesitation was said', {}, 'um, well'],
    ['more must come', {}, 'I would like to'],
  ])('not when %s', (_, settings, text) => {
    const stage = new Rehearsal(settings).voice(2_000, 3_000).words(3_210, text).until(3_500);
    expect(stage.of('speculate')).toEqual([]);
  });

  test('long waits are used from shortly before their end', () => {
    const stage = new Rehearsal().voice(2_000, 3_000).words(3_210, 'I would like to').until(6_000);
    expect(stage.story).toEqual([
      [4_000, 'speculate', 'I would like to'],
      [5_500, 'adopted', 'I would like to'],
    ]);
  });

  test('not while keys are pressed; a key makes it nothing', () => {
    const stage = new Rehearsal().voice(2_000, 3_000).words(3_210, 'My number is this one').until(3_400);
    stage.feed(3_420, { type: 'digit', digit: '4' }).until(3_800).feed(3_810, { type: 'digit', digit: '#' });
    expect(stage.story.map(([, what]) => what)).toEqual(['speculate', 'forget', 'missed']);
    expect(stage.of('forget')[0].cause).toBe('digits');
  });

  test('at most so many a turn, merged turns included, and as many again in the next one', () => {
    const stage = new Rehearsal({ minDelayMs: 2_000, speculationsMax: 2 }).voice(2_000, 3_000);
    for (let i = 0; i < 4; i++) stage.words(3_300 + i * 300, `word${i}`);
    stage.until(7_000);
    expect(stage.of('speculate')).toHaveLength(2);
    expect(stage.of('commit')).toMatchObject([{ speculation: 'missed' }]);
    stage.feed(7_100, { type: 'reply-audible', epoch: 2 }).feed(8_000, { type: 'reply-finished', epoch: 2, goodbye: false });
    stage.voice(9_000, 9_800).words(9_900, 'and another thing of mine').until(12_000);
    expect(stage.of('speculate')).toHaveLength(3);
    expect(stage.of('commit')[1]).toMatchObject({ turn: 2, speculation: 'adopted' });
  });

  test('a timer that rings a little early is no endpoint', () => {
    const { policy, floor } = new Rehearsal().voice(2_000, 3_000).words(3_210, 'I want to cancel').until(3_400);
    const early = takeFloor(floor, { type: 'woke', at: (floor.wakeAt as number) - 20, id: floor.wakeId }, policy);
    expect(early[0].state).toBe('hold');
    expect(early[1]).toMatchObject([{ type: 'wake', atMs: 3_600 }]);
    const due = takeFloor(floor, { type: 'woke', at: (floor.wakeAt as number) - 0.9, id: floor.wakeId }, policy);
    expect(due[0].state).toBe('think');
  });
});

describe('how long the caller is waited for', () => {
  const committedAfter = (stage: Rehearsal) => {
    stage.until(9_000);
    const { at, rule } = stage.of('commit').at(-1) as FloorAction & { type: 'commit'; at: number };
    return [rule, at - stage.floor.voicedTo];
  };

  test('what was asked decides, until something else is asked', () => {
    const stage = new Rehearsal().feed(1_100, { type: 'expects', what: 'yes-no' }).voice(2_000, 2_500).words(2_710, 'yes please');
    expect(committedAfter(stage)).toEqual(['yes-no', 250]);
    const number = new Rehearsal().feed(1_100, { type: 'expects', what: 'digits' }).voice(2_000, 2_500).words(2_710, 'five five five');
    expect(committedAfter(number)).toEqual(['digits', 2_000]);
    const free = new Rehearsal().voice(2_000, 2_500).words(2_710, 'yes please');
    expect(committedAfter(free)).toEqual(['silence', 600]);
  });

  test('a judgement of the sound counts for the silence it was made for', () => {
    const said = () => new Rehearsal().voice(2_000, 3_000).words(3_210, 'It is about my order');
    expect(committedAfter(said().feed(3_250, { type: 'turn-judged', to: 3_000, probability: 0.95 }))).toEqual(['judged', 300]);
    expect(committedAfter(said().feed(3_250, { type: 'turn-judged', to: 3_000, probability: 0.05 }))).toEqual(['judged', 1_500]);
    expect(committedAfter(said().feed(3_250, { type: 'turn-judged', to: 1_700, probability: 0.95 }))).toEqual(['silence', 600]);
  });

  test('from the first closed sentence on, an open one is waited for longer', () => {
    const stage = new Rehearsal().voice(2_000, 3_000).words(3_210, 'Good morning.').until(3_500);
    expect(committedAfter(stage)).toEqual(['sentence', 400]);
    stage.feed(9_100, { type: 'reply-audible', epoch: 2 }).feed(9_200, { type: 'reply-finished', epoch: 2, goodbye: false });
    stage.voice(10_000, 10_800).words(10_900, 'It is about my order').until(13_000);
    expect(stage.of('commit').at(-1)).toMatchObject({ rule: 'open-sentence', at: 11_700 });
  });

  test('pauses of the caller are learnt when words follow, and lengthen the wait', () => {
    const stage = new Rehearsal({ minDelayMs: 900 }).voice(2_000, 3_000).words(3_210, 'It is about my order');
    stage.feed(3_860, { type: 'speech-started', from: 3_800 }).feed(4_700, { type: 'speech-ended', to: 4_500 });
    expect(stage.floor.pauses.seen).toBe(0);
    stage.words(4_710, 'of last week');
    expect(stage.floor.pauses).toEqual({ meanMs: 550, seen: 1 });
    // 715 ms would be less than the usual wait.
    expect(committedAfter(stage)).toEqual(['silence', 900]);
  });

  test('pauses after closed sentences are another habit than pauses within one', () => {
    const stage = new Rehearsal({ minDelayMs: 900, sentenceDelayMs: 900 }).voice(2_000, 3_000).words(3_210, 'I want to cancel.');
    stage.feed(3_860, { type: 'speech-started', from: 3_800 }).words(4_400, 'My order', { final: false });
    expect([stage.floor.pauses.seen, stage.floor.closedPauses]).toEqual([0, { meanMs: 550, seen: 1 }]);
  });

  test('noise in a pause is not learnt', () => {
    const stage = new Rehearsal({ minDelayMs: 900 }).voice(2_000, 3_000).words(3_210, 'It is about my order').voice(3_500, 3_700);
    stage.until(9_000);
    expect(stage.floor.pauses.seen).toBe(0);
  });

  test('a late final of what was said before the pause does not prove it', () => {
    const stage = new Rehearsal({ minDelayMs: 900 }).voice(2_000, 3_000).words(3_210, 'It is', { final: false });
    stage.feed(3_660, { type: 'speech-started', from: 3_600 }).words(3_700, 'It is me.', { from: 2_000, to: 3_000 });
    expect(stage.floor.pauses.seen).toBe(0);
  });

  test('who goes on right after the assistant took the turn had been cut off: that weighs more', () => {
    const stage = new Rehearsal().voice(2_000, 3_000).words(3_210, 'It is about my order').until(3_700);
    expect(stage.floor.state).toBe('think');
    stage.feed(3_960, { type: 'speech-started', from: 3_900 }).words(4_400, 'of last week', { final: false });
    expect(stage.floor.pauses).toEqual({ meanMs: 600, seen: 1 });
    stage.feed(4_700, { type: 'speech-ended', to: 4_500 }).words(4_710, 'of last week');
    expect(committedAfter(stage)).toEqual(['pauses', 780]);
    expect(stage.of('commit').map(({ turn }) => turn)).toEqual([1, 1]);
  });
});

test('a short sound that paused the assistant lets it go on sooner than words would', () => {
  const speaking = () => new Rehearsal().feed(1_100, { type: 'typed', text: 'hello' }).feed(1_200, { type: 'reply-audible', epoch: 2 });
  const resumedAfter = (voiceMs: number) => {
    const stage = speaking().feed(2_060, { type: 'speech-started', from: 2_000 }).feed(2_260, { type: 'speech-sustained' });
    stage.feed(2_200 + voiceMs, { type: 'speech-ended', to: 2_000 + voiceMs }).until(5_000);
    expect(stage.of('interrupt')).toEqual([]);
    return stage.of('resume')[0].at - (2_000 + voiceMs);
  };
  expect(resumedAfter(300)).toBe(800);
  expect(resumedAfter(700)).toBe(1_200);
});

describe('a transcriber that ends turns itself', () => {
  const flux = () => new Rehearsal({ transcriberEndsTurns: true });
  const begun = (text: string) =>
    flux().voice(2_000, 3_000).words(3_210, text, { to: 3_000 }).feed(3_260, { type: 'end-of-turn', to: 3_000 });

  test('is believed at once after words that may be the last', () => {
    expect(begun('I would like to cancel').of('commit')).toMatchObject([{ at: 3_260, rule: 'transcriber' }]);
  });

  test('is doubted after words that cannot be: the rest of the sentence belongs to the turn', () => {
    const stage = begun('I would like to');
    stage.feed(3_710, { type: 'speech-started', from: 3_650 }).feed(4_700, { type: 'speech-ended', to: 4_500 });
    stage.words(4_710, 'change my booking', { to: 4_500 }).feed(4_720, { type: 'end-of-turn', to: 4_500 });
    expect(stage.of('commit')).toMatchObject([{ at: 4_720, rule: 'transcriber', text: 'I would like to change my booking' }]);
  });

  test('is right in the end where nothing more comes', () => {
    expect(begun('I would like to').until(6_000).of('commit')).toMatchObject([{ at: 4_200, rule: 'unfinished' }]);
  });

  test('is believed always where the rule is off', () => {
    const stage = new Rehearsal({ transcriberEndsTurns: true, rules: { unfinished: false } }).voice(2_000, 3_000);
    stage.words(3_210, 'I would like to', { to: 3_000 }).feed(3_260, { type: 'end-of-turn', to: 3_000 });
    expect(stage.of('commit')).toMatchObject([{ at: 3_260, rule: 'transcriber' }]);
  });
});
