/** The offer/answer state of one call (RFC 3264): what we described last, and what both sides agreed on. */
import {
  type AgreedMedia,
  answerOffer,
  type AudioCodec,
  type LocalMedia,
  makeOffer,
  type NoAgreement,
  readAnswer,
} from '#sip/offer-answer.ts';

export class Negotiation {
  readonly #local: LocalMedia;
  #last: string | undefined;
  #agreed: AgreedMedia | undefined;

  /** `address` and `port`: where the peer is to send its sound. */
  constructor(local: { address: string; port: number; codecs: readonly AudioCodec[]; sessionId: string }) {
    this.#local = local;
  }

  get agreed(): AgreedMedia | undefined {
    return this.#agreed;
  }

  /** The SDP we sent last. */
  get sent(): string | undefined {
    return this.#last;
  }

  /** Our answer; unchanged media keeps its version. A refused offer changes nothing (§8). */
  answer(offer: string): { sdp: string; agreed: AgreedMedia } | NoAgreement {
    const answer = answerOffer(offer, this.#local, this.#last);
    if (typeof answer === 'string') return answer;
    this.#last = answer.sdp;
    this.#agreed = answer.agreed;
    return answer;
  }

  offer(): string {
    this.#last = makeOffer({ ...this.#local, rtcpMux: false }, this.#last);
    return this.#last;
  }

  /** The peer's answer to our last offer. */
  read(answer: string): AgreedMedia | NoAgreement {
    const agreed = this.#last === undefined ? 'malformed' : readAnswer(this.#last, answer);
    if (typeof agreed !== 'string') this.#agreed = agreed;
    return agreed;
  }
}
