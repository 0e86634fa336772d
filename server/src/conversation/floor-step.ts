/** One step of the floor in the making. */
import type { Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import type { ConversationPolicy } from './plan.ts';

type Draft = { -readonly [K in keyof Floor]: Floor[K] };

export type EventOf<T extends FloorEvent['type']> = Extract<FloorEvent, { type: T }>;

/** One step in the making: the floor so far, what it asks for, and when and by which policy. */
export interface Step {
  floor: Draft;
  actions: FloorAction[];
  policy: ConversationPolicy;
  at: number;
}
