/** What to say next. Words are streamed; passages are data with ids, never instructions. */

export type ModelMessage =
  | { role: 'user'; text: string }
  /** Only what the caller heard. */
  | { role: 'assistant'; text: string; interrupted?: boolean; toolCalls?: ModelToolCall[] }
  | { role: 'tool'; toolCallId: string; name: string; result: string };

export interface ModelToolCall {
  id: string;
  name: string;
  /** As the model gave them, parsed; `undefined` when they were no JSON (`badArguments` holds their beginning). */
  arguments: unknown;
  badArguments?: string;
}

/** A piece of the business's knowledge that matched the caller's words, best first. */
export interface ModelPassage {
  id: string;
  documentId: string;
  title: string;
  text: string;
  /** 0…1, comparable between queries. */
  score: number;
  /** An approved question's answer, to be spoken as it stands. */
  answer: string | undefined;
  /** Where the caller asked several questions in one breath: those that it was found for. */
  questions?: readonly string[];
}

export interface ModelTool {
  name: string;
  description: string;
  /** JSON Schema of its arguments. */
  parameters: Record<string, unknown>;
}

/**
 * What to do where the passages do not answer: ask once what is meant; or say so and offer a message, a person, or nothing.
 * `line`: how the assistant would put it.
 */
export interface Shortfall {
  kind: 'clarify' | 'offer-message' | 'offer-person' | 'admit';
  line: string;
}

export interface ModelRequest {
  instructions: string;
  messages: readonly ModelMessage[];
  passages: readonly ModelPassage[];
  /**
   * Words of this very answer that another model has already said aloud before it failed: go on exactly behind them, and
   * do not repeat or greet.
   */
  continueFrom?: string;
  /** Retrieval's own verdict: the passages are good enough to answer from. */
  answerable: boolean;
  /** Of several questions in one breath, those that the passages do not answer. */
  unanswered?: readonly string[];
  /** Set when the caller seems to have asked something that they do not answer. */
  shortfall?: Shortfall;
  /** What the assistant offered in its last turn, because it did not know: a yes is about that. */
  offered?: 'message' | 'person';
  tools: readonly ModelTool[];
  language: string;
  maxTokens: number;
  signal: AbortSignal;
}

export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'tool-call'; call: ModelToolCall }
  /** Last, at most once. `cachedTokens` are those of `inputTokens` that a prompt cache served. */
  | { type: 'usage'; inputTokens: number; outputTokens: number; cachedTokens?: number };

export interface LanguageModel {
  readonly name: string;
  /** The vendor's name of the model, for prices and reports. */
  readonly model?: string;
  /** Opens a connection so that the next request finds it ready; while the phone rings. Never rejects, never costs tokens. */
  warm?(): Promise<void>;
  /** Streams parts; throws `VendorError`, or the signal's reason when aborted. Every wait inside has a deadline. */
  generate(request: ModelRequest): AsyncIterable<ModelPart>;
  /** Lets go of kept connections. */
  close?(): Promise<void> | void;
}
