/**
 * A whole call centre for one call on the virtual clock: switchboard, SIP gateway, RTP, jitter buffer, voice activity,
 * conversation, journal, recording; and the network between it and a caller's phone. Nothing in it is real but the code.
 */
import { MediaPacer } from '#audio/pacer.ts';
import type { BusinessEntry } from '#calls/directory.ts';
import type { InstalledModels } from '#calls/installed-models.ts';
import { Switchboard } from '#calls/switchboard.ts';
import type { ConversationPlan } from '#conversation/plan.ts';
import { VirtualClock } from '#kit/clock.ts';
import { Ids } from '#kit/ids.ts';
import type { Kit } from '#kit/kit.ts';
import type { Log } from '#kit/log.ts';
import { SeededRandom } from '#kit/random.ts';
import type { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import { MemoryNetwork } from '#sip/memory-transport.ts';
import type { Leg } from '#telephony/leg.ts';
import type { Gateway, GatewayContext, IncomingCall } from '#telephony/gateway.ts';
import { CallLog } from '../call-log.ts';
import { MemoryShelf } from '../call-sound.ts';
import type { SimulationRooms } from '../rooms.ts';
import type { Scenario } from '../scenario.ts';
import { scriptedShop } from '../scripted-tools.ts';
import { type NetworkCondition, SimulatedNetwork, WIRE_MS } from './network.ts';

export type VirtualKit = Kit & { clock: VirtualClock };

/** Where the server is on the simulated network, and where the caller. */
export const SERVER_HOST = '10.0.0.1';
export const CALLER_HOST = '10.0.0.2';
/** The caller and the network have dice of their own: what the engine throws does not change what happens to it. */
const WORLD = 0x9e3779b9;

/** A kit for one simulated call. */
export function virtualKit(seed: number, log: Log): VirtualKit {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  return { clock, random, ids: new Ids(clock, random), log };
}

export interface CentreOptions {
  kit: VirtualKit;
  seed: number;
  rooms: SimulationRooms;
  business: BusinessEntry;
  knowledge: KnowledgeBase;
  tools: NonNullable<Scenario['business']>['tools'];
  models: InstalledModels;
  revisePlan?: (plan: ConversationPlan) => ConversationPlan;
  condition: NetworkCondition;
  /** Keep the sound, not only its length. */
  sound: boolean;
}

export class VirtualCentre {
  readonly log: CallLog;
  readonly shelf: MemoryShelf;
  readonly pacer: MediaPacer;
  readonly network: SimulatedNetwork;
  readonly switchboard: Switchboard;
  readonly #signalling: MemoryNetwork;
  readonly #gateway: Gateway;
  #typed: (text: string) => void = () => {};

  constructor(options: CentreOptions) {
    const { kit, rooms, business, knowledge } = options;
    this.log = new CallLog(kit.clock);
    this.shelf = new MemoryShelf(options.sound);
    this.pacer = new MediaPacer(kit.clock, kit.log);
    this.network = new SimulatedNetwork(kit.clock, new SeededRandom(options.seed ^ WORLD), options.condition);
    // First in the loop: what has arrived is there before anybody listens.
    this.pacer.add(this.network);
    this.#signalling = new MemoryNetwork(kit.clock, () => [WIRE_MS]);
    this.switchboard = new Switchboard({
      kit,
      journal: this.log,
      recordings: this.shelf,
      maxCalls: 2,
      models: options.models,
      shop: scriptedShop(kit, options.tools),
      revisePlan: options.revisePlan,
    });
    const context: GatewayContext = {
      kit,
      pacer: this.pacer,
      onCall: (call) => this.switchboard.receive(this.#tapped(call)),
      whoAnswers: (to, businessId) => this.switchboard.whoAnswers(to, businessId),
      publicUrl: 'http://127.0.0.1:3000',
      mediaUrl: 'ws://127.0.0.1:3001',
    };
    this.#gateway = rooms.sipGateway(SERVER_HOST, context, {
      transport: this.#signalling.transport(SERVER_HOST),
      openPorts: (host) => this.network.ports(host),
    });
    this.switchboard.connect([this.#gateway]);
    this.switchboard.directory.publish(business, knowledge);
    void this.switchboard.publish([business]);
  }

  /** The SIP transport of the caller's side. */
  get callerTransport() {
    return this.#signalling.transport(CALLER_HOST);
  }

  /** Opens the gateway's wires. */
  start(): Promise<void> {
    return this.#gateway.start();
  }

  /** Words typed instead of spoken: a phone cannot, a talk page can, and the engine takes them from either. */
  type(text: string): void {
    this.#typed(text);
  }

  /** The loop ends; timers that are left belong to a clock that nobody moves any more. */
  stop(): void {
    this.pacer.stop();
  }

  /** The same call; once answered, its leg also takes what is typed. */
  #tapped(call: IncomingCall): IncomingCall {
    return {
      gateway: call.gateway,
      from: call.from,
      to: call.to,
      businessId: call.businessId,
      providerCallId: call.providerCallId,
      signal: call.signal,
      ring: () => call.ring(),
      refuse: (why, overflow) => call.refuse(why, overflow),
      answer: async () => this.#listened(await call.answer()),
    };
  }

  #listened(leg: Leg): Leg {
    return {
      id: leg.id,
      gateway: leg.gateway,
      format: leg.format,
      recognises: leg.recognises,
      get codec() {
        return leg.codec;
      },
      attach: (listener) => {
        this.#typed = (text) => listener.typed(text);
        leg.attach(listener);
      },
      play: (source) => leg.play(source),
      sendDigits: (digits) => leg.sendDigits(digits),
      caption: (caption) => leg.caption(caption),
      hangUp: (ending) => leg.hangUp(ending),
      stats: () => leg.stats(),
    };
  }
}
