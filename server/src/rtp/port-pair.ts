/** The pair of ports that a call needs: RTP, and RTCP on the port after it (RFC 3550 §11). */
import { messageOf, TandemError } from '#kit/errors.ts';
import type { PortPool } from './ports.ts';
import type { DatagramSocket, DatagramSockets } from './socket.ts';

/** Ports of the pool tried before giving up: another program may hold some of the range. */
const MAX_TRIES = 16;

/** The two ports of a call. */
export interface RtpPorts {
  rtp: DatagramSocket;
  /** On the port after RTP's. */
  rtcp: DatagramSocket;
  /** Closes both and gives the port back to its pool. Idempotent. */
  release(): void;
}

/**
 * Binds a pair of ports of the pool. Rejects with `capacity-reached` when no port is free, with `setting-invalid` when
 * `host` is not an address of this machine or may not be used.
 */
export async function openRtpPorts(sockets: DatagramSockets, pool: PortPool, host: string): Promise<RtpPorts> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = pool.take();
    if (port === undefined) break;
    let rtp: DatagramSocket | undefined;
    try {
      rtp = await sockets.bind(host, port);
      const rtcp = await sockets.bind(host, port + 1);
      return pairOf(pool, port, rtp, rtcp);
    } catch (error) {
      rtp?.close();
      pool.release(port);
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw new TandemError('setting-invalid', `cannot listen for sound on ${host}: ${messageOf(error)}`, { host }, error);
    }
  }
  throw new TandemError('capacity-reached', 'no RTP port is free', { taken: pool.taken });
}

function pairOf(pool: PortPool, port: number, rtp: DatagramSocket, rtcp: DatagramSocket): RtpPorts {
  let open = true;
  return {
    rtp,
    rtcp,
    release: () => {
      if (!open) return;
      open = false;
      rtp.close();
      rtcp.close();
      pool.release(port);
    },
  };
}
