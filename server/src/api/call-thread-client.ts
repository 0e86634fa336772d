/** The office's end of the link to the call thread: commands with answers and deadlines. */
import type { CommandName, Commands, FromCallThread, ToCallThread } from '#calls/office-link.ts';
import type { Clock } from '#kit/clock.ts';
import { type Message, Remote } from '#kit/remote.ts';

/** What routes need of the call thread. */
export interface CallThread {
  /** Rejects with the thread's own error code, or `unavailable` after the deadline. */
  command<N extends CommandName>(name: N, input: Commands[N]['input'], deadlineMs?: number): Promise<Commands[N]['output']>;
}

/** Its commands are the questions of a `Remote`, on a link that carries other messages besides. */
type Questions = { [N in CommandName]: Commands[N] };

export class CallThreadClient implements CallThread {
  readonly #remote: Remote<Questions>;
  #hear: (message: Message) => void = () => {};

  constructor(send: (message: ToCallThread) => void, clock: Clock) {
    const port = {
      postMessage: (message: unknown) => {
        const { id, name, input } = message as Extract<Message, { type: 'ask' }>;
        send({ type: 'command', id, name, input } as ToCallThread);
      },
      on: (_event: 'message', listener: (message: Message) => void) => {
        this.#hear = listener;
      },
      off: () => {
        this.#hear = () => {};
      },
    };
    this.#remote = new Remote(port, clock, {});
  }

  command<N extends CommandName>(name: N, input: Commands[N]['input'], deadlineMs?: number): Promise<Commands[N]['output']> {
    return this.#remote.ask(name, input, { deadlineMs });
  }

  /** Settles the command an answer belongs to; ignores every other message. */
  take(message: FromCallThread): void {
    if (message.type === 'answer' || message.type === 'refusal') this.#hear(message);
  }

  /** The thread is gone: every open command fails, and every later one. */
  close(): void {
    this.#remote.close();
  }
}
