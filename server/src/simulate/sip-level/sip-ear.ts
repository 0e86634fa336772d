/** An ear for voices that nobody indexed: it hears when, not what. */
import { CallerEar } from '../virtual/ear.ts';

/** 170 words a minute, as most voices speak. */
const WORD_MS = 350;

export class SipEar extends CallerEar {
  #from = 0;

  constructor() {
    super(new Map());
  }

  /** Counted by how long the assistant was audible since {@link forgetWords}. */
  override get words(): number {
    const audible = this.stretches.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, toMs - Math.max(fromMs, this.#from)), 0);
    return audible === 0 ? 0 : 1 + Math.floor(audible / WORD_MS);
  }

  override forgetWords(): void {
    this.#from = this.stretches.at(-1)?.toMs ?? 0;
  }
}
