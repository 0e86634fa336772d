/**
 * Voice activity in three stages, cheapest first: the line gate on every frame; while it is up, the echo gate; while that
 * does not explain the sound, WebRTC's detector. A verdict needs two frames that agree, so a click is no word.
 */
import type { Frame, Sound, SoundFormat } from '#audio/frame.ts';
import { linearPower, mulawPower } from '#audio/level.ts';
import type { VoiceActivity, VoiceActivityDetector } from '../voice-activity.ts';
import { EchoGate } from './echo-gate.ts';
import type { Aggressiveness, Fvad, FvadHandle } from './fvad.ts';
import { LineGate } from './line-gate.ts';

const ATTACK = 0.4; // per frame towards 1: speech from the second frame on
const RELEASE = 0.51; // per frame towards 0: the first frame without a voice says so, one with it brings speech back
const SPEECH_FROM = 0.5;

export class WebRtcVoiceActivityDetector implements VoiceActivityDetector {
  readonly line: LineGate;
  readonly echo = new EchoGate();
  #fvad: FvadHandle;
  #verdict: VoiceActivity = { speech: false, probability: 0, levelDb: -96 };

  constructor(fvad: Fvad, format: SoundFormat, aggressiveness: Aggressiveness) {
    this.line = new LineGate(format);
    this.#fvad = fvad.open(format, aggressiveness);
  }

  detect(heard: Frame, sent: Sound | undefined): VoiceActivity {
    this.#noteSent(sent);
    const echoing = this.echo.active;
    const open = this.line.pass(heard.sound, !echoing && !heard.concealed);
    const echo = echoing && this.echo.explains(this.line.halves, this.line.levelDb, this.line.floorDb);
    // WebRTC's detector goes on saying yes for up to 100 ms after a word; who waits for the end of speech must not.
    const voice = open && !echo && this.#fvad.isSpeech(heard.sound) && !this.line.fallen;
    const verdict = this.#verdict;
    verdict.probability += voice ? ATTACK * (1 - verdict.probability) : -RELEASE * verdict.probability;
    verdict.speech = verdict.probability >= SPEECH_FROM;
    verdict.levelDb = this.line.levelDb;
    return verdict;
  }

  reset(): void {
    this.line.reset();
    this.echo.reset();
    this.#fvad.reset();
    this.#verdict.probability = 0;
    this.#verdict.speech = false;
    this.#verdict.levelDb = -96;
  }

  close(): void {
    this.#fvad.close();
  }

  #noteSent(sent: Sound | undefined): void {
    if (sent === undefined) {
      this.echo.sent(0, 0);
      return;
    }
    const half = sent.length >> 1;
    if (sent instanceof Int16Array) this.echo.sent(linearPower(sent, 0, half), linearPower(sent, half));
    else this.echo.sent(mulawPower(sent, 0, half), mulawPower(sent, half));
  }
}
