/** Models that are in order except in the turn that is at fault, where one of them is late or wrong by so much. */
import type { WordTime } from '@tandem/contract';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { TestKit } from '#kit/testing.ts';
import type { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import type { Tool } from '#models/tool.ts';
import type { Transcriber } from '#models/transcriber.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import { transcriber } from './faulty-models.ts';
import type { Air } from './telephone.ts';

/** What one turn's models do differently, milliseconds where it is a time. */
export interface Manners {
  finalMs?: number;
  /** No final at all. */
  noFinal?: boolean;
  /** The final has other words than the partials. */
  corrects?: boolean;
  firstTokenMs?: number;
  /** After the first word. */
  firstClauseMs?: number;
  /** The first model fails so late; the second answers. */
  failsAfterMs?: number;
  firstSoundMs?: number;
  /** Of the second clause. */
  laterSoundMs?: number;
  retrievalMs?: number;
  found?: 'nothing' | 'weak' | 'answer';
  toolMs?: number;
  /** Said before the tool is called. */
  toolLine?: string;
  answer?: string;
}

/** The usual manners of a call, and the turn that the caller is at. */
export class Scene {
  readonly usual: Manners;
  readonly faults: ReadonlyMap<number, Manners>;
  readonly kit: TestKit;
  turn = 0;

  constructor(kit: TestKit, usual: Manners, faults: ReadonlyMap<number, Manners>) {
    this.kit = kit;
    this.usual = usual;
    this.faults = faults;
  }

  get now(): Manners {
    return { ...this.usual, ...this.faults.get(this.turn) };
  }

  /** As vendors are: never twice the same. */
  vary(ms: number): number {
    return ms * (0.85 + 0.3 * this.kit.random.next());
  }
}

const answers = [
  'Hello.',
  'We are open from eight until six today. On Sunday we are closed all day.',
  'You can park behind the house at any time. The place is free for patients.',
  'The dentist has time in the morning. You may come without an appointment.',
  'We speak English and German in the practice. Please tell us what you prefer.',
  'Bring your insurance card to the reception. Everything else is ready.',
];

export const answerOf = (turn: number): string => answers[turn % answers.length];

export function sceneModel(kit: TestKit, scene: Scene, name: string): LanguageModel {
  return {
    name,
    async *generate(request: ModelRequest): AsyncGenerator<ModelPart> {
      const { firstTokenMs = 300, firstClauseMs = 0, failsAfterMs, toolMs, toolLine, answer = answerOf(scene.turn) } = scene.now;
      const { signal } = request;
      if (failsAfterMs !== undefined && name === 'one') {
        await kit.clock.sleep(failsAfterMs, signal);
        throw new VendorError(name, 'retryable', '503');
      }
      const told = request.messages.at(-1)?.role === 'tool';
      const late = scene.faults.get(scene.turn)?.firstTokenMs !== undefined;
      await kit.clock.sleep(late && !told ? firstTokenMs : scene.vary(scene.usual.firstTokenMs ?? 300), signal);
      if (toolMs !== undefined && !told) {
        if (toolLine !== undefined) yield { type: 'text', text: `${toolLine} ` };
        yield { type: 'tool-call', call: { id: `tool_${scene.turn}`, name: 'look_up', arguments: { day: `day ${scene.turn}` } } };
        return;
      }
      const [first = '', ...rest] = (request.continueFrom === undefined ? answer : answer.slice(request.continueFrom.length)).split(
        /(?<= )/,
      );
      yield { type: 'text', text: first };
      if (firstClauseMs > 0) await kit.clock.sleep(firstClauseMs, signal);
      for (const text of rest) yield { type: 'text', text };
    },
  };
}

export function sceneVoice(kit: TestKit, scene: Scene): Synthesizer {
  const voice = new ScriptedSynthesizer(kit, { partMs: 100 });
  async function* speak(request: SpeechRequest): AsyncGenerator<SpeechPart> {
    const { firstSoundMs = 180, laterSoundMs } = scene.now;
    const first = answerOf(scene.turn).startsWith(request.text.slice(0, 12));
    const fault = scene.faults.get(scene.turn);
    const second = laterSoundMs !== undefined && !first && answerOf(scene.turn).includes(request.text);
    const waitMs = second
      ? laterSoundMs
      : first && fault?.firstSoundMs !== undefined
        ? firstSoundMs
        : scene.vary(scene.usual.firstSoundMs ?? 180);
    await kit.clock.sleep(waitMs, request.signal);
    yield* voice.speak(request);
  }
  return { name: 'mouth', speak, warm: () => Promise.resolve(), close: () => voice.close() };
}

/** Hears what is in the air; of the turn at fault its finals are late, missing or other words. */
export function sceneEar(kit: TestKit, air: Air, scene: Scene): Transcriber {
  return {
    name: 'ear',
    closedGrammar: false,
    open(options) {
      const { listener } = options;
      const inner = transcriber(kit, air, 'ear', { finalMs: 1 });
      return inner.open({
        ...options,
        listener: {
          ...listener,
          final: (transcript) => {
            const { finalMs, noFinal, corrects } = scene.now;
            if (noFinal) return;
            const words: WordTime[] = [...(transcript.words ?? [])];
            const said = corrects ? { ...transcript, text: `${transcript.text} maam`, words } : transcript;
            kit.clock.after(Math.max(0, (finalMs ?? scene.vary(150)) - 1), () => listener.final(said));
          },
        },
      });
    },
    warm: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

type Found = ReturnType<KnowledgeBase['search']>;

/** Nothing while the call is being made. */
export async function search(scene: Scene | undefined): Promise<Found> {
  if (!scene) return { passages: [], answerable: false };
  const { retrievalMs, found = 'answer' } = scene.now;
  await scene.kit.clock.sleep(scene.faults.get(scene.turn)?.retrievalMs === undefined ? scene.vary(4) : (retrievalMs ?? 4));
  const passage = {
    id: `passage_${scene.turn}`,
    documentId: 'document_1',
    title: 'The practice',
    text: answerOf(scene.turn),
    score: 0.82,
    answer: undefined,
  };
  if (found === 'nothing') return { passages: [], answerable: false, verdict: 'unknown' };
  if (found === 'weak') return { passages: [{ ...passage, score: 0.21 }], answerable: false, verdict: 'clarify' };
  return { passages: [passage], answerable: true, verdict: 'answer' };
}

export function sceneTool(kit: TestKit, scene: () => Scene | undefined): Tool {
  return {
    name: 'look_up',
    description: 'Looks it up.',
    schema: z.object({ day: z.string() }),
    sideEffect: false,
    interruptible: false,
    timeoutMs: 20_000,
    run: async (_input, { signal }) => {
      await kit.clock.sleep(scene()?.now.toolMs ?? 100, signal);
      return { open: true };
    },
  };
}
