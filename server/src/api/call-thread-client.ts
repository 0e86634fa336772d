/** The office's end of the link to the call thread: commands with answers and deadlines. */
import { TandemError } from '#kit/errors.ts';
import type { Clock, Timer } from '#kit/clock.ts';
import type { CommandName, Commands, FromCallThread, ToCallThread } from '#calls/office-link.ts';

/** What routes need of the call thread. */
export interface CallThread {
  /** Rejects with the thread's own error code, or `unavailable` after the deadline. */
  command<N extends CommandName>(name: N, input: Commands[N]['input'], deadlineMs?: number): Promise<Commands[N]['output']>;
}

interface Waiting {
  resolve: (output: never) => void;
  reject: (error: Error) => void;
  deadline: Timer;
}

export class CallThreadClient implements CallThread {
  #send: (message: ToCallThread) => void;
  #clock: Clock;
  #next = 1;
  #waiting = new Map<number, Waiting>();
  #closed = false;

  constructor(send: (message: ToCallThread) => void, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  command<N extends CommandName>(name: N, input: Commands[N]['input'], deadlineMs = 5_000): Promise<Commands[N]['output']> {
    if (this.#closed) return Promise.reject(new TandemError('unavailable', 'The call thread has stopped'));
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Commands[N]['output']>();
    const deadline = this.#clock.after(deadlineMs, () => {
      this.#waiting.delete(id);
      reject(new TandemError('unavailable', 'The call thread did not answer in time'));
    });
    this.#waiting.set(id, { resolve, reject, deadline });
    this.#send({ type: 'command', id, name, input } as ToCallThread);
    return promise;
  }

  /** Settles the command an answer belongs to; ignores every other message. */
  take(message: FromCallThread): void {
    if (message.type !== 'answer' && message.type !== 'refusal') return;
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    waiting.deadline.cancel();
    if (message.type === 'answer') waiting.resolve(message.output as never);
    else waiting.reject(new TandemError(message.code, message.message));
  }

  /** The thread is gone: every open command fails, and every later one. */
  close(): void {
    this.#closed = true;
    for (const { reject, deadline } of this.#waiting.values()) {
      deadline.cancel();
      reject(new TandemError('unavailable', 'The call thread has stopped'));
    }
    this.#waiting.clear();
  }
}
