/**
 * What a simulation uses of the rooms: storey 6 may not open them, so the catalogue's storey hands them down. One value per
 * process; nothing in it holds the state of a call.
 */
import type { Kit } from '#kit/kit.ts';
import type { Random } from '#kit/random.ts';
import type { LanguageModel } from '#models/language-model.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { VoiceActivityDetectorFactory } from '#models/voice-activity.ts';
import type { RtpPorts } from '#rtp/dgram-socket.ts';
import type { SipTransport } from '#sip/transport.ts';
import type { Gateway, GatewayContext } from '#telephony/gateway.ts';

/** Wires in memory instead of sockets. */
export interface SimulatedWires {
  transport: SipTransport;
  openPorts: (host: string) => RtpPorts;
}

/** Sound that detectors take for speech: linear samples and the spans of them that are voiced. */
export interface SpeechLikeSound {
  samples: Int16Array;
  words: readonly { from: number; to: number }[];
}

export interface SimulationRooms {
  /** Our own SIP gateway at `host`, on wires in memory. */
  sipGateway(host: string, context: GatewayContext, wires: SimulatedWires): Gateway;
  /** The detector that a fresh installation uses. */
  voiceActivity(): Promise<VoiceActivityDetectorFactory>;
  /** Answers from passages in their own words. */
  extractiveModel(kit: Kit): LanguageModel;
  speechLike(random: Random, durationMs: number, rate: number, levelDb: number, pitchHz: number): SpeechLikeSound;
  /** Real speech for callers who ask for it (`voice: flite`), on the system's clock; closed by whoever asked. */
  spokenVoice(kit: Kit): Promise<Synthesizer>;
  /** A module that plays scenarios in a worker thread; absent: they are played one after the other here. */
  thread?: URL;
}
