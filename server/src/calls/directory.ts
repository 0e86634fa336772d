/**
 * The directory: who may be called, and what a call then knows. The office publishes an entry per business at start
 * and after every change; a call takes its snapshot at ring and reads no database until it ends.
 */
import type { Assistant, ToolInput } from '@tandem/contract';
import { KnowledgeBase, type KnowledgeSource } from '#knowledge/knowledge-base.ts';
import type { TrunkConfig } from '#telephony/gateway.ts';

/** A tool of a business with its secrets: it goes to the call thread and nowhere else. */
export type StoredTool = { id: string } & ToolInput;

/** How many calls of a business may live at once (null: as many as there is room for), and who takes those beyond. */
export interface Capacity {
  maxCalls: number | null;
  /** E.164 number or SIP address. */
  overflowNumber?: string;
}

/** All that calls of one business need, as plain data that crosses threads. */
export interface BusinessEntry {
  id: string;
  name: string;
  assistants: Assistant[];
  /** E.164 or SIP user → assistant. */
  numbers: { address: string; assistantId: string }[];
  trunks: TrunkConfig[];
  knowledge: KnowledgeSource;
  /** IANA name; decides when a day begins and what "tomorrow" is. UTC when absent. */
  timeZone?: string;
  /** What today's calls cost up to the publication (calls of this process among them) and may cost, in millionths of a US dollar. */
  costs?: { dailyCeilingMicros: number | null; spentTodayMicros: number };
  tools?: StoredTool[];
  capacity?: Capacity;
}

/** Who answers, and with what. */
export interface Route {
  businessId: string;
  businessName: string;
  assistant: Assistant;
  knowledge: KnowledgeBase;
  tools?: StoredTool[];
  timeZone?: string;
  capacity?: Capacity;
}

interface Listed {
  entry: BusinessEntry;
  knowledge: KnowledgeBase;
}

/** Called `assistant:<slug>`, as the browser page does, instead of a number. */
const ASSISTANT_PREFIX = 'assistant:';

export class Directory {
  #businesses = new Map<string, Listed>();
  /** Address → businesses that list it: SIP user names may repeat between businesses, E.164 numbers do not. */
  #addresses = new Map<string, string[]>();
  #slugs = new Map<string, string[]>();

  /** The index this entry's knowledge has already, if it is listed and unchanged. */
  knowledgeOf(entry: BusinessEntry): KnowledgeBase | undefined {
    const listed = this.#businesses.get(entry.id);
    return listed?.entry.knowledge.version === entry.knowledge.version ? listed.knowledge : undefined;
  }

  /** Lists a business, or replaces its entry. The index is only built when the knowledge itself changed. */
  publish(entry: BusinessEntry, knowledge = this.knowledgeOf(entry) ?? new KnowledgeBase(entry.knowledge)): void {
    const before = this.#businesses.get(entry.id);
    if (before) this.#strike(before.entry);
    this.#businesses.set(entry.id, { entry, knowledge });
    for (const { address } of entry.numbers) list(this.#addresses, address, entry.id);
    for (const { slug } of entry.assistants) list(this.#slugs, slug, entry.id);
  }

  remove(businessId: string): void {
    const before = this.#businesses.get(businessId);
    if (before) this.#strike(before.entry);
    this.#businesses.delete(businessId);
  }

  get businesses(): BusinessEntry[] {
    return [...this.#businesses.values()].map(({ entry }) => entry);
  }

  get trunks(): TrunkConfig[] {
    return this.businesses.flatMap(({ trunks }) => trunks);
  }

  /**
   * Finds who answers `to`. Where the way in names the business (trunk, token) only that business is asked; otherwise
   * the address must belong to exactly one.
   */
  route(to: string, businessId: string | undefined): Route | undefined {
    const bySlug = to.startsWith(ASSISTANT_PREFIX);
    const key = bySlug ? to.slice(ASSISTANT_PREFIX.length) : to;
    const owners = (bySlug ? this.#slugs : this.#addresses).get(key) ?? [];
    const owner = businessId === undefined ? (owners.length === 1 ? owners[0] : undefined) : owners.find((id) => id === businessId);
    const listed = owner === undefined ? undefined : this.#businesses.get(owner);
    if (!listed) return undefined;
    const { entry, knowledge } = listed;
    const assistantId = entry.numbers.find(({ address }) => address === key)?.assistantId;
    const assistant = entry.assistants.find((one) => (bySlug ? one.slug === key : one.id === assistantId));
    return (
      assistant && {
        businessId: entry.id,
        businessName: entry.name,
        assistant,
        knowledge,
        tools: entry.tools,
        timeZone: entry.timeZone,
        capacity: entry.capacity,
      }
    );
  }

  /** The route of a call that we place ourselves. */
  routeOf(businessId: string, assistantId: string): Route | undefined {
    const listed = this.#businesses.get(businessId);
    const assistant = listed?.entry.assistants.find(({ id }) => id === assistantId);
    return (
      listed &&
      assistant && {
        businessId,
        businessName: listed.entry.name,
        assistant,
        knowledge: listed.knowledge,
        tools: listed.entry.tools,
        timeZone: listed.entry.timeZone,
        capacity: listed.entry.capacity,
      }
    );
  }

  #strike(entry: BusinessEntry): void {
    for (const { address } of entry.numbers) unlist(this.#addresses, address, entry.id);
    for (const { slug } of entry.assistants) unlist(this.#slugs, slug, entry.id);
  }
}

function list(map: Map<string, string[]>, key: string, id: string): void {
  const ids = map.get(key);
  if (ids) ids.push(id);
  else map.set(key, [id]);
}

function unlist(map: Map<string, string[]>, key: string, id: string): void {
  const left = (map.get(key) ?? []).filter((one) => one !== id);
  if (left.length > 0) map.set(key, left);
  else map.delete(key);
}
