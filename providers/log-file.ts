/** Events as lines of JSON in a file, many in one write: a write each is a message to a thread of the file system each. */
import { type WriteStream, createWriteStream } from 'node:fs';

const WRITE_EVERY_MS = 500;
const MOST_WAITING = 65_536;

export class LogFile {
  readonly #file: WriteStream;
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  /** @param flags as of `fs.open`: `w` begins anew, `a` goes on. */
  constructor(path: string, flags: 'w' | 'a' = 'w') {
    this.#file = createWriteStream(path, { flags });
  }

  add(event: object): void {
    this.#waiting += `${JSON.stringify(event)}\n`;
    if (this.#waiting.length >= MOST_WAITING) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), WRITE_EVERY_MS);
  }

  /** Resolves when everything is in the file. */
  end(): Promise<void> {
    this.#write();
    return new Promise((resolve) => this.#file.end(resolve));
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting !== '') this.#file.write(this.#waiting);
    this.#waiting = '';
  }
}
