/** The browser's own speech recognition (Web Speech API), where it exists and really works. */

type Alternative = { transcript: string; confidence: number };
type Result = { isFinal: boolean; 0: Alternative };
type ResultEvent = { resultIndex: number; results: ArrayLike<Result> };
type Recogniser = {
  continuous: boolean;
  interimResults: boolean;
  lang: string;
  start(track?: MediaStreamTrack): void;
  abort(): void;
  onaudiostart: (() => void) | null;
  onresult: ((event: ResultEvent) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
};

export type Recognition = { setMuted(muted: boolean): void; close(): void };

export type RecognitionListener = {
  transcript(text: string, final: boolean, confidence: number | undefined): void;
  /** It worked and does no longer. */
  failed(): void;
};

/** A recogniser without a service behind it starts all the same and fails some 10 ms later (measured in Chromium). */
const TRUST_AFTER_MS = 500;
const START_DEADLINE_MS = 2_000;
/** Recognisers end by themselves after a silence; one that ends this often in a row without a word is broken. */
const RESTARTS_WITHOUT_WORDS = 20;
const RESTART_AFTER_MS = 200;

/** These pass: the recogniser ends and is started again. */
const passing = new Set(['no-speech', 'aborted']);

/** Resolves with a recogniser that works, or undefined within `START_DEADLINE_MS`. */
export function startRecognition(
  track: MediaStreamTrack | undefined,
  language: string,
  listener: RecognitionListener,
): Promise<Recognition | undefined> {
  const scope = window as unknown as { SpeechRecognition?: new () => Recogniser; webkitSpeechRecognition?: new () => Recogniser };
  const Constructor = scope.SpeechRecognition ?? scope.webkitSpeechRecognition;
  if (!Constructor) return Promise.resolve(undefined);
  const recogniser = new Constructor();
  recogniser.continuous = true;
  recogniser.interimResults = true;
  recogniser.lang = language;

  let state: 'starting' | 'working' | 'closed' = 'starting';
  let muted = false;
  let restarts = 0;
  const start = () => {
    try {
      // Newer browsers take the very track that has been freed of echo; older ones ignore it.
      recogniser.start(track);
    } catch {
      fail();
    }
  };
  let settle: (recognition: Recognition | undefined) => void = () => undefined;
  const close = () => {
    state = 'closed';
    recogniser.abort();
  };
  const fail = () => {
    const worked = state === 'working';
    if (state === 'closed') return;
    close();
    if (worked) listener.failed();
    else settle(undefined);
  };

  recogniser.onerror = ({ error }) => {
    if (!passing.has(error)) fail();
  };
  recogniser.onend = () => {
    if (state === 'closed') return;
    if (++restarts > RESTARTS_WITHOUT_WORDS) return fail();
    setTimeout(() => state !== 'closed' && start(), RESTART_AFTER_MS);
  };
  recogniser.onresult = ({ resultIndex, results }) => {
    restarts = 0;
    if (muted || state === 'closed') return;
    let open = '';
    for (let n = resultIndex; n < results.length; n++) {
      const result = results[n];
      const text = result?.[0].transcript.trim();
      if (!result || !text) continue;
      if (result.isFinal) listener.transcript(text, true, result[0].confidence || undefined);
      else open = open ? `${open} ${text}` : text;
    }
    if (open) listener.transcript(open, false, undefined);
  };

  return new Promise((resolve) => {
    const giveUp = setTimeout(fail, START_DEADLINE_MS);
    settle = (recognition) => {
      clearTimeout(giveUp);
      resolve(recognition);
    };
    recogniser.onaudiostart = () => {
      if (state !== 'starting') return;
      setTimeout(() => {
        if (state !== 'starting') return;
        state = 'working';
        settle({ close, setMuted: (next) => (muted = next) });
      }, TRUST_AFTER_MS);
    };
    start();
  });
}
