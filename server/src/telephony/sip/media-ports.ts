/** Where calls get their RTP ports: a pair of their own, or, where several may share one, a pair that has room. */
import { isIP } from 'node:net';
import type { Pacer } from '#audio/pacer.ts';
import type { Kit } from '#kit/kit.ts';
import { openRtpPorts, type RtpPorts } from '#rtp/port-pair.ts';
import type { PortPool } from '#rtp/ports.ts';
import { SharedPairs } from '#rtp/shared-pairs.ts';
import type { DatagramSockets } from '#rtp/socket.ts';
import type { RemoteAddress } from '#rtp/source-latch.ts';
import { openSockets, type UdpKind } from '#rtp/udp.ts';

/**
 * Unless told otherwise, calls have ports of their own up to so many calls, and beyond that share them: sockets are read and
 * written in batches then, which takes a quarter off what a datagram costs.
 */
const SHARE = { fromCalls: 100, callsPerPort: 16 } as const;

export interface MediaPortsOptions {
  kit: Kit;
  pacer: Pacer;
  pool: PortPool;
  udp: UdpKind;
  /** Undefined: one, and more once there are many calls. */
  callsPerPort: number | undefined;
}

export class MediaPorts {
  readonly #options: MediaPortsOptions;
  readonly #sockets: DatagramSockets;
  readonly #pairs: SharedPairs | undefined;
  #calls = 0;

  /** Throws `setting-invalid` when the sockets that are asked for cannot be had. */
  constructor(options: MediaPortsOptions) {
    const { kit, pacer, pool, udp, callsPerPort = SHARE.callsPerPort } = options;
    this.#options = options;
    this.#sockets = openSockets(udp, kit.clock, kit.log);
    pacer.join(this.#sockets);
    if (callsPerPort > 1) {
      this.#pairs = new SharedPairs({ sockets: this.#sockets, pool, clock: kit.clock, random: kit.random, callsPerPort });
    }
  }

  /**
   * Ports for a call whose sound comes from `remote`, as far as signalling says. Where it does not yet (calls out), nothing
   * is shared: two calls with one far end could turn out to look the same. Rejects as {@link openRtpPorts} does.
   */
  async open(host: string, remote: RemoteAddress | undefined): Promise<RtpPorts> {
    const pairs = this.#sharing;
    const shared = pairs !== undefined && remote !== undefined && isIP(remote.address) !== 0;
    const ports = await (shared ? pairs.take(host, remote) : openRtpPorts(this.#sockets, this.#options.pool, host));
    this.#calls++;
    let open = true;
    const release = () => {
      if (open) this.#calls--;
      open = false;
      ports.release();
    };
    return { rtp: ports.rtp, rtcp: ports.rtcp, release };
  }

  get #sharing(): SharedPairs | undefined {
    return this.#options.callsPerPort !== undefined || this.#calls >= SHARE.fromCalls ? this.#pairs : undefined;
  }

  /** More than none where one more call finds ports. */
  get linesFree(): number {
    return this.#options.pool.free + (this.#sharing?.room ?? 0);
  }

  /** For the metrics; `rtp_native` is 1 where the native part is in use. */
  counters(): Record<string, number> {
    const counters: Record<string, number> = { rtp_native: this.#sockets.kind === 'native' ? 1 : 0 };
    for (const [name, count] of Object.entries(this.#sockets.counters())) counters[`rtp_${name}`] = count;
    return counters;
  }

  close(): void {
    this.#options.pacer.leave(this.#sockets);
    this.#sockets.close();
  }
}
