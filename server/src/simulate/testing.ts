/** For tests of the simulation: the rooms that storey 7 hands down. */
import { ExtractiveLanguageModel } from '#models/extractive/language-model.ts';
import { flite } from '#models/flite/vendor.ts';
import { speechLike } from '#models/scripted/speech-like.ts';
import { webrtcVad } from '#models/webrtc-vad/vendor.ts';
import { SipGateway } from '#telephony/sip/gateway.ts';
import { sip } from '#telephony/sip/vendor.ts';
import { testKit } from '#kit/testing.ts';
import type { SimulationRooms } from './rooms.ts';

/** Without worker threads: a test is one of many processes already. */
export function testRooms(): SimulationRooms {
  return {
    sipGateway: (host, context, { transport, openPorts }) =>
      new SipGateway(sip.settings.parse({ host }), context, {
        transports: [transport],
        names: { addresses: () => Promise.resolve([]), services: () => Promise.resolve([]) },
        openPorts: (at) => Promise.resolve(openPorts(at)),
      }),
    voiceActivity: () => webrtcVad.voiceActivity(webrtcVad.settings.parse({}), testKit()),
    extractiveModel: (kit) => new ExtractiveLanguageModel(kit),
    speechLike,
    spokenVoice: (kit) => flite.synthesizer(flite.settings.parse({}), kit),
  };
}
