/** A model whose answers a test decides: each row's probability is the mean of its new samples, its state counts up. */
import { CONTEXT, createExchange, ROW, type SileroModel, STATE } from './shape.ts';

export class FakeModel implements SileroModel {
  readonly exchange = createExchange();
  /** Rows of every run, each as [first new sample, state before]. */
  readonly runs: [number, number][][] = [];
  /** True: runs wait for `answer`. */
  held = false;
  failing = false;
  #waiting: (() => void)[] = [];

  async run(rows: number): Promise<void> {
    const { input, state, probability } = this.exchange;
    this.runs.push(Array.from({ length: rows }, (_, row) => [input[row * ROW + CONTEXT], state[row * STATE]]));
    if (this.held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.failing) throw new Error('out of order');
    for (let row = 0; row < rows; row++) {
      probability[row] = input.subarray(row * ROW + CONTEXT, (row + 1) * ROW).reduce((sum, sample) => sum + sample, 0) / (ROW - CONTEXT);
      for (let i = 0; i < STATE; i++) {
        state[row * STATE + i] += 1;
        state[(rows + row) * STATE + i] -= 1;
      }
    }
  }

  /** Lets the runs that wait finish. */
  answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
