/** Where calls arrive: routes each to who answers, and holds the live ones - the only mutable registry of calls. */
import type { Ending } from '@tandem/contract';
import { KeptSpeech, type KeptSpeechCounters } from '#conversation/kept-speech.ts';
import type { ConversationPlan } from '#conversation/plan.ts';
import { ProviderHealth } from '#conversation/provider-health.ts';
import type { Price } from '#conversation/usage.ts';
import type { BreakerState } from '#kit/breaker.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import { ownedBy } from '#kit/fault-net.ts';
import type { Kit } from '#kit/kit.ts';
import { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import type { Library } from '#knowledge/library.ts';
import type { Gateway, IncomingCall, Refusal } from '#telephony/gateway.ts';
import { Admission, DEFAULT_LIMITS, type Denial } from './admission.ts';
import { Call, type SharedByCalls } from './call.ts';
import { type BusinessEntry, Directory, type Route } from './directory.ts';
import type { InstalledModels } from './installed-models.ts';
import type { Journal } from './journal.ts';
import type { PlaceCall } from './office-link.ts';
import { type Places, ProviderPlaces } from './provider-places.ts';
import type { Shelf } from './recording.ts';
import { Spending } from './spending.ts';
import type { Shop } from './tools/tool-box.ts';
import type { Dial } from './transfer.ts';

export interface SwitchboardOptions {
  kit: Kit;
  models: InstalledModels;
  journal: Journal;
  recordings: Shelf;
  /** Live calls beyond which new ones are refused; only read where no `admission` is given. */
  maxCalls: number;
  /** Decides whether there is room for one more. */
  admission?: Admission;
  /** Calls at once at providers whose plans have a bound. */
  places?: ProviderPlaces;
  /** The businesses' own tools; none when absent. */
  shop?: Shop;
  /** What a line of usage costs, millionths of a US dollar; nothing when absent. */
  price?: Price;
  /** Who looks things up for calls; absent: what was published with the business. */
  library?: Library;
  /** What a conversation is told when it starts, instead of what its assistant says: a recorded call is forked with it. */
  revisePlan?: (plan: ConversationPlan) => ConversationPlan;
  /** Asks whether somebody lists the address after all; resolves when their entry is in the directory. Rejects when nobody knows. */
  resolve?: (address: string) => Promise<void>;
}

/** Why a call is not taken, and where it may go instead. */
export interface Refused {
  why: Refusal;
  overflow: string | undefined;
}

/** The business's own bound is its being busy; what we lack is ours, and may be there in a moment. */
function refusalOf(denial: Denial | 'draining'): Refusal {
  if (denial === 'business-full') return 'busy';
  return denial === 'draining' ? 'unavailable' : 'capacity-reached';
}

export class Switchboard {
  readonly directory = new Directory();
  #publications: Promise<void> = Promise.resolve();
  #publishing = 0;
  #options: SwitchboardOptions;
  #calls = new Map<string, Call>();
  readonly #ofBusiness = new Map<string, number>();
  readonly #places: ProviderPlaces;
  readonly #admission: Admission;
  #gateways = new Map<string, Gateway>();
  readonly #shared: SharedByCalls;
  #draining = false;
  #refused: Record<string, number> = {};
  #emptied: (() => void)[] = [];

  constructor(options: SwitchboardOptions) {
    this.#options = options;
    this.#admission = options.admission ?? new Admission(options.kit.clock, { ...DEFAULT_LIMITS, maxCalls: options.maxCalls });
    this.#places = options.places ?? new ProviderPlaces(new Map());
    this.#shared = {
      health: new ProviderHealth(options.kit.clock),
      kept: new KeptSpeech(undefined, options.kit.clock),
      spending: new Spending(),
      price: options.price,
      library: options.library,
      revisePlan: options.revisePlan,
    };
  }

  get live(): number {
    return this.#calls.size;
  }

  /** What a call would be refused for now, whichever business it is for; undefined: nothing. */
  get refusing(): Denial | undefined {
    const lines = [...this.#gateways.values()].flatMap((gateway) => gateway.linesFree?.() ?? []);
    const linesFree = lines.length > 0 ? lines.reduce((sum, free) => sum + free) : undefined;
    return this.#admission.judge({ businessId: '', ofBusiness: 0, businessMax: null, linesFree }, this.#calls.size);
  }

  /** Taken places at providers that have a bound, for metrics. */
  get providerPlaces(): Readonly<Record<string, number>> {
    return this.#places.taken;
  }

  /** Of the speech that is kept because it is said again, for metrics. */
  get keptSpeech(): KeptSpeechCounters {
    return this.#shared.kept.counters();
  }

  /** Calls refused so far, by reason. */
  get refused(): Readonly<Record<string, number>> {
    return this.#refused;
  }

  /** The breaker of each provider by `stage/provider`, for metrics. */
  get providers(): Readonly<Record<string, BreakerState>> {
    return this.#shared.health.breakers.states();
  }

  connect(gateways: readonly Gateway[]): void {
    for (const gateway of gateways) this.#gateways.set(gateway.name, gateway);
  }

  gateway(name: string): Gateway | undefined {
    return this.#gateways.get(name);
  }

  /**
   * Takes over new and changed entries, in order. With calls on the line a changed index is built in pieces, so that a
   * large document delays no frame; resolves when it is in use.
   */
  publish(entries: readonly BusinessEntry[], removed: readonly string[] = []): Promise<void> {
    if (this.#publishing === 0 && this.live === 0) {
      for (const entry of entries) this.directory.publish(entry);
      this.#listed(entries, removed);
      return this.#publications;
    }
    this.#publishing++;
    this.#publications = this.#publications.then(async () => {
      for (const entry of entries) {
        const pause = () => this.#options.kit.clock.sleep(0);
        const knowledge = this.directory.knowledgeOf(entry) ?? (await KnowledgeBase.inPieces(entry.knowledge, pause));
        this.directory.publish(entry, knowledge);
      }
      this.#listed(entries, removed);
      this.#publishing--;
    });
    return this.#publications;
  }

  /** Resolves when everything published so far is in use. */
  get published(): Promise<void> {
    return this.#publications;
  }

  #listed(entries: readonly BusinessEntry[], removed: readonly string[]): void {
    const wallMs = this.#options.kit.clock.wall();
    for (const entry of entries) this.#shared.spending.publish(entry, wallMs);
    for (const id of removed) this.#shared.spending.remove(id);
    for (const id of removed) this.directory.remove(id);
    for (const { id, tools } of entries) this.#options.shop?.publish(id, tools);
    for (const id of removed) this.#options.shop?.publish(id);
    const { trunks } = this.directory;
    for (const gateway of this.#gateways.values()) gateway.setTrunks?.(trunks);
    this.#warm(entries);
  }

  /** The name of the assistant that answers `to`. */
  whoAnswers(to: string, businessId: string | undefined): string | undefined {
    return this.directory.route(to, businessId)?.assistant.name;
  }

  /** A call has arrived at a gateway. Never throws. */
  receive(incoming: IncomingCall): void {
    const route = this.directory.route(incoming.to, incoming.businessId);
    if (!route) return this.#seek(incoming);
    this.#take(incoming, route);
  }

  /** Nobody here lists the address: it may be new, or its business not read yet. */
  #seek(incoming: IncomingCall): void {
    const { resolve } = this.#options;
    if (!resolve || this.#draining) return this.#refuse(incoming, 'number-unknown');
    resolve(incoming.to).then(
      async () => {
        await this.published;
        const route = this.directory.route(incoming.to, incoming.businessId);
        if (route && !incoming.signal.aborted) this.#take(incoming, route);
        else this.#refuse(incoming, 'number-unknown');
      },
      () => this.#refuse(incoming, 'number-unknown'),
    );
  }

  #take(incoming: IncomingCall, route: Route): void {
    const denial = this.#denial(route, incoming.gateway);
    if (denial) return this.#refuse(incoming, refusalOf(denial), denial, route.capacity?.overflowNumber);
    const places = this.#places.take(route.assistant, this.#options.models);
    if (!places) return this.#refuse(incoming, 'capacity-reached', 'providers', route.capacity?.overflowNumber);
    this.#admission.admitted();
    incoming.ring();
    this.#begin(
      route,
      {
        direction: 'inbound',
        gateway: incoming.gateway,
        from: incoming.from,
        to: incoming.to,
        providerCallId: incoming.providerCallId,
        abandoned: incoming.signal,
        connect: () => incoming.answer(),
      },
      places,
    );
  }

  /** What a carrier is told before it connects the sound: undefined when there is room for a call to `to`. */
  wouldRefuse(to: string, businessId: string | undefined): Refused | undefined {
    const route = this.directory.route(to, businessId);
    if (!route) return undefined;
    const denial =
      this.#denial(route, undefined) ?? (this.#places.hasRoom(route.assistant, this.#options.models) ? undefined : 'providers');
    if (!denial) return undefined;
    this.#count(denial);
    return { why: refusalOf(denial), overflow: route.capacity?.overflowNumber };
  }

  #denial(route: Route, gateway: string | undefined): Denial | 'draining' | undefined {
    if (this.#draining) return 'draining';
    const ask = {
      businessId: route.businessId,
      ofBusiness: this.#ofBusiness.get(route.businessId) ?? 0,
      businessMax: route.capacity?.maxCalls ?? null,
      linesFree: gateway === undefined ? undefined : this.#gateways.get(gateway)?.linesFree?.(),
    };
    return this.#admission.judge(ask, this.#calls.size);
  }

  /** Places a call. Rejects with `not-found`, `outbound-not-configured` or `capacity-reached`; resolves with its id while it rings. */
  place(order: PlaceCall): string {
    const route = this.directory.routeOf(order.businessId, order.assistantId);
    if (!route) throw new TandemError('not-found', 'There is no such assistant');
    const wanted = [...this.#gateways.values()].filter(({ name }) => order.gateway === undefined || name === order.gateway);
    const gateway = wanted.find((one) => one.canDial?.(order.businessId));
    if (!gateway) throw new TandemError('outbound-not-configured');
    const denial = this.#denial(route, gateway.name);
    const places = denial ? undefined : this.#places.take(route.assistant, this.#options.models);
    if (!places) {
      this.#count(denial ?? 'providers');
      throw new TandemError('capacity-reached', undefined, { why: denial ?? 'providers' });
    }
    this.#admission.admitted();
    const from = this.#numberOf(order.businessId, order.assistantId);
    const call = this.#begin(
      route,
      {
        direction: 'outbound',
        gateway: gateway.name,
        from,
        to: order.to,
        providerCallId: undefined,
        abandoned: undefined,
        connect: (signal) => gateway.dial({ businessId: order.businessId, to: order.to, from, signal }),
      },
      places,
    );
    return call.id;
  }

  /** The number that calls out of this assistant show. */
  #numberOf(businessId: string, assistant: string): string {
    const entry = this.directory.businesses.find(({ id }) => id === businessId);
    return entry?.numbers.find(({ address, assistantId }) => assistantId === assistant && address.startsWith('+'))?.address ?? 'anonymous';
  }

  /** How a call of this route dials a second leg; undefined where calls out are not configured for the business. */
  #dialFor({ businessId, assistant }: Route): Dial | undefined {
    const able = () => [...this.#gateways.values()].filter((gateway) => gateway.canDial?.(businessId));
    if (able().length === 0) return undefined;
    return (to, signal) => {
      const gateways = able();
      const gateway = gateways.find(({ name }) => name === 'sip' && /^sips?:/i.test(to)) ?? gateways[0];
      if (!gateway) return Promise.reject(new TandemError('outbound-not-configured'));
      return gateway.dial({ businessId, to, from: this.#numberOf(businessId, assistant.id), signal });
    };
  }

  /** False when the business has no such live call. */
  hangUp(businessId: string, callId: string): boolean {
    const call = this.#calls.get(callId);
    if (!call || call.businessId !== businessId) return false;
    void call.end({ by: 'agent', reason: 'hung-up' });
    return true;
  }

  /** A fault that nobody caught belongs to this call, which ends with it. False when it is not live. */
  blame(callId: string, error: unknown): boolean {
    const call = this.#calls.get(callId);
    if (!call) return false;
    void call.end({ by: 'system', reason: 'error' }, messageOf(error));
    return true;
  }

  /** Refuses new calls; resolves with the calls left when none is, or after `withinMs`. */
  async drain(withinMs: number): Promise<number> {
    this.#draining = true;
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.kit.clock.after(withinMs, resolve);
        this.#emptied.push(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    return this.#calls.size;
  }

  /** Ends every call with one cause and waits for their last events. */
  async endAll(ending: Ending): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#calls.values()].map((call) => call.end(ending)));
  }

  #begin(route: Route, line: ConstructorParameters<typeof Call>[0]['line'], places: Places): Call {
    const { kit, journal, recordings, shop } = this.#options;
    const { models } = places;
    const call = new Call({ kit, shared: this.#shared, route, line, models, journal, recordings, shop, dial: this.#dialFor(route) });
    this.#calls.set(call.id, call);
    this.#ofBusiness.set(call.businessId, (this.#ofBusiness.get(call.businessId) ?? 0) + 1);
    ownedBy(call.id, () => call.run()).then(
      () => this.#forget(call, places),
      (error: unknown) => {
        kit.log.error({ error, callId: call.id, businessId: call.businessId }, 'a call failed');
        this.#forget(call, places);
      },
    );
    return call;
  }

  #forget(call: Call, places: Places): void {
    this.#calls.delete(call.id);
    this.#places.give(places);
    const left = (this.#ofBusiness.get(call.businessId) ?? 1) - 1;
    if (left > 0) this.#ofBusiness.set(call.businessId, left);
    else this.#ofBusiness.delete(call.businessId);
    if (this.#calls.size > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** `cause`: what there was no room in, as the metrics name it. */
  #refuse(incoming: IncomingCall, why: Refusal, cause: string = why, overflow?: string): void {
    this.#count(cause);
    this.#options.kit.log.info({ gateway: incoming.gateway, to: incoming.to, why, cause }, 'call refused');
    incoming.refuse(why, overflow);
  }

  #count(cause: string): void {
    this.#refused[cause] = (this.#refused[cause] ?? 0) + 1;
  }

  /** Grammars and first sentences are made before the first caller needs them. */
  #warm(entries: readonly BusinessEntry[]): void {
    const { models, kit } = this.#options;
    const phrases = entries.flatMap(({ knowledge }) => knowledge.questions.flatMap((question) => question.phrasings));
    for (const part of [...models.transcribers, ...models.synthesizers]) {
      part.warm(phrases).catch((error: unknown) => kit.log.warn({ error, part: part.name }, 'could not warm a model'));
    }
  }
}
