/** Plays one recording and tells, frame by frame, where it is. */
import { useEffect, useState, useSyncExternalStore } from 'react';

export const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;

export class Player {
  readonly durationMs: number;
  #audio = new Audio();
  #listeners = new Set<() => void>();
  #frame = 0;

  constructor(url: string, durationMs: number) {
    this.durationMs = durationMs;
    this.#audio.preload = 'auto';
    this.#audio.src = url;
    for (const event of ['play', 'pause', 'seeked', 'ratechange', 'ended', 'error']) this.#audio.addEventListener(event, this.#tell);
    this.#audio.addEventListener('play', this.#follow);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly positionMs = (): number => this.#audio.currentTime * 1000;
  readonly playing = (): boolean => !this.#audio.paused && !this.#audio.ended;
  readonly speed = (): number => this.#audio.playbackRate;
  readonly failed = (): boolean => this.#audio.error !== null;

  toggle(): void {
    if (this.playing()) this.#audio.pause();
    else this.#start();
  }
  seek(ms: number): void {
    this.#audio.currentTime = Math.min(this.durationMs, Math.max(0, ms)) / 1000;
  }
  playFrom(ms: number): void {
    this.seek(ms);
    this.#start();
  }
  setSpeed(speed: number): void {
    this.#audio.playbackRate = speed;
  }
  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#audio.pause();
    this.#audio.removeAttribute('src');
    this.#audio.load();
    this.#listeners.clear();
  }

  #start(): void {
    // A play() that a pause or a new source overtakes is rejected; the element's own events tell the state.
    this.#audio.play().catch(() => this.#tell());
  }
  readonly #tell = (): void => {
    for (const listener of this.#listeners) listener();
  };
  readonly #follow = (): void => {
    cancelAnimationFrame(this.#frame);
    const step = () => {
      this.#tell();
      if (this.playing()) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  };
}

/** A player for `url` while the component is mounted. */
export function usePlayer(url: string | undefined, durationMs: number): Player | undefined {
  const [player, setPlayer] = useState<Player>();
  useEffect(() => {
    if (url === undefined) return undefined;
    const made = new Player(url, durationMs);
    setPlayer(made);
    return () => {
      made.close();
      setPlayer(undefined);
    };
  }, [url, durationMs]);
  return player;
}

const silent = () => () => undefined;

/** A value read from the player, re-read as it plays; `idle` while there is none. Renders only when the value changes. */
export function usePlayerValue<T extends string | number | boolean>(player: Player | undefined, read: (player: Player) => T, idle: T): T {
  return useSyncExternalStore(player?.subscribe ?? silent, () => (player ? read(player) : idle));
}
