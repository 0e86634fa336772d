/** Pairs of ports that several calls share; see {@link SharedPort}. */
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { openRtpPorts, type RtpPorts } from './port-pair.ts';
import type { PortPool } from './ports.ts';
import { SharedPort } from './shared-port.ts';
import type { DatagramSockets } from './socket.ts';
import type { RemoteAddress } from './source-latch.ts';

interface Pair {
  host: string;
  ports: RtpPorts;
  rtp: SharedPort;
  rtcp: SharedPort;
}

/** Ports of calls, at most `callsPerPort` behind each; a pair is opened when none has room, and closed with its last call. */
export class SharedPairs {
  readonly #pairs = new Set<Pair>();
  readonly #options: { sockets: DatagramSockets; pool: PortPool; clock: Clock; random: Random; callsPerPort: number };

  constructor(options: { sockets: DatagramSockets; pool: PortPool; clock: Clock; random: Random; callsPerPort: number }) {
    this.#options = options;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Calls that the open pairs would take now. */
  get room(): number {
    let room = 0;
    for (const { rtp } of this.#pairs) if (rtp.takesCalls) room += Math.max(0, this.#options.callsPerPort - rtp.lanes);
    return room;
  }

  /** As `openRtpPorts`; `remote` is where the call's sound comes from, as far as signalling says. */
  async take(host: string, remote: RemoteAddress | undefined): Promise<RtpPorts> {
    const { sockets, pool, clock, random, callsPerPort } = this.#options;
    const roomy = [...this.#pairs].filter((pair) => pair.host === host && pair.rtp.lanes < callsPerPort);
    // Not the fullest first: where the next call listens should stay hard to guess.
    for (let from = roomy.length === 0 ? 0 : random.below(roomy.length), i = 0; i < roomy.length; i++) {
      const lanes = this.#lanesOf(roomy[(from + i) % roomy.length], remote);
      if (lanes) return lanes;
    }
    const ports = await openRtpPorts(sockets, pool, host);
    const pair = { host, ports, rtp: new SharedPort(ports.rtp, clock), rtcp: new SharedPort(ports.rtcp, clock) };
    this.#pairs.add(pair);
    return this.#lanesOf(pair, remote) as RtpPorts;
  }

  #lanesOf(pair: Pair, remote: RemoteAddress | undefined): RtpPorts | undefined {
    const rtp = pair.rtp.open(remote);
    if (!rtp) return undefined;
    // Reports may never come: they are told by their source alone.
    const rtcp = pair.rtcp.open(undefined, true);
    let open = true;
    return {
      rtp,
      rtcp,
      release: () => {
        if (!open) return;
        open = false;
        rtp.close();
        rtcp.close();
        if (pair.rtp.lanes > 0 || !this.#pairs.delete(pair)) return;
        pair.ports.release();
      },
    };
  }
}
