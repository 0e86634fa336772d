/** Recording alone: the frames of all calls into their files, disk threads included. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MULAW_SILENCE } from '../../server/src/audio/frame.ts';
import { type CallRecording, RecordingShelf } from '../../server/src/calls/recording.ts';
import { Ids } from '../../server/src/kit/ids.ts';
import { silentLog } from '../../server/src/kit/log.ts';
import { SeededRandom } from '../../server/src/kit/random.ts';
import { speech } from '../load/voice.ts';
import { HandClock } from './hand-clock.ts';
import { cpuUs, settle } from './meter.ts';

const FRAME = 160;
const quiet = new Uint8Array(FRAME).fill(MULAW_SILENCE);

export class RecordingStage {
  readonly #clock = new HandClock();
  readonly #recordings: CallRecording[] = [];
  readonly #folder: string;
  readonly #voice = speech(1_000, 120);
  #tick = 0;

  private constructor(folder: string, calls: number) {
    this.#folder = folder;
    const random = new SeededRandom(1);
    const kit = { clock: this.#clock, random, ids: new Ids(this.#clock, random), log: silentLog };
    const shelf = new RecordingShelf({ folder, kit });
    for (let i = 0; i < calls; i++) {
      this.#recordings.push(
        shelf.open({ businessId: 'business_1', callId: `call_${i}`, format: 'mulaw-8000', started: () => {}, stopped: () => {} }),
      );
    }
  }

  static async open(calls: number): Promise<RecordingStage> {
    const stage = new RecordingStage(await mkdtemp(join(tmpdir(), 'tandem-frame-')), calls);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return stage;
  }

  /** CPU of so many ticks of 20 ms, microseconds. */
  async run(ticks: number): Promise<number> {
    const from = cpuUs();
    for (let i = 0; i < ticks; i++) {
      const at = (this.#tick++ % 50) * FRAME;
      const heard = this.#voice.subarray(at, at + FRAME);
      const sent = this.#tick & 64 ? heard : undefined;
      for (const recording of this.#recordings) recording.write(sent ? quiet : heard, sent);
      this.#clock.turn(20);
      await settle();
    }
    // What is on its way to the disk belongs to these ticks.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return cpuUs() - from;
  }

  async close(): Promise<void> {
    const closed = Promise.all(this.#recordings.map((recording) => recording.close('call-ended')));
    await closed;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
