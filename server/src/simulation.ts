/** The rooms that a simulation plays in, opened by the catalogue and handed down. */
import type { SimulationRooms } from '#simulate/rooms.ts';
import { simulationParts } from './catalog.ts';

const noNames = { addresses: () => Promise.resolve([]), services: () => Promise.resolve([]) };

/** One per process. Detectors and voices are made when they are first asked for. */
export function simulationRooms(): SimulationRooms {
  const { SipGateway, sip, webrtcVad, ExtractiveLanguageModel, flite, speechLike } = simulationParts;
  let detector: ReturnType<SimulationRooms['voiceActivity']> | undefined;
  return {
    sipGateway: (host, context, { transport, openPorts }) =>
      new SipGateway(sip.settings.parse({ host }), context, {
        transports: [transport],
        names: noNames,
        openPorts: (at) => Promise.resolve(openPorts(at)),
      }),
    voiceActivity: () => (detector ??= webrtcVad.voiceActivity(webrtcVad.settings.parse({}), undefined as never)),
    extractiveModel: (kit) => new ExtractiveLanguageModel(kit),
    speechLike,
    spokenVoice: (kit) => flite.synthesizer(flite.settings.parse({}), kit),
    thread: new URL('./simulation-thread.ts', import.meta.url),
  };
}
