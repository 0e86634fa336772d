/**
 * What a datagram costs: dgram against the native part, at 500 calls' worth of frames both ways. Each end is a process of
 * its own; the other end is always the native part, with queued frames, and its CPU is not counted.
 *
 *   npm run bench -- udp [--flows 500] [--seconds 10] [--runs 3]
 *
 * CPU is the process's (user and system), the paced loop included, divided by frames in and out. On the loopback interface
 * whoever sends also does the receiver's part in the kernel, so that the sum is about that of a network card. Lateness is
 * taken at the other end from the kernel's stamps, against the earliest frame of each call.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { EndPlan, EndReport } from './load/udp-end.ts';
import { type Figure, median, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    flows: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const flows = Number(values.flows);
const seconds = Number(values.seconds);
const runs = Number(values.runs);
const END = fileURLToPath(new URL('./load/udp-end.ts', import.meta.url));
const WARM_UP_MS = 2_000;
const SHARED_PORTS = 16;
const STALL_MS = 40;

const base: EndPlan = { kind: 'native', queued: true, flows, ports: flows, stallMs: 0, judge: false };
const designs: Record<string, EndPlan> = {
  dgram: { ...base, kind: 'dgram', queued: false },
  native_batched: { ...base, queued: false },
  native_queued: base,
  native_batched_shared: { ...base, queued: false, ports: SHARED_PORTS },
  native_queued_shared: { ...base, ports: SHARED_PORTS },
  dgram_stalled: { ...base, kind: 'dgram', queued: false, stallMs: STALL_MS },
  native_queued_stalled: { ...base, stallMs: STALL_MS },
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const answerOf = <T>(child: ChildProcess) =>
  new Promise<T>((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`an end exited with ${code}`)));
  });
const start = () => fork(END, { execArgv: ['--disable-warning=ExperimentalWarning'], serialization: 'advanced' });

async function open(plan: EndPlan): Promise<{ child: ChildProcess; ports: number[] }> {
  const child = start();
  child.send({ do: 'open', plan });
  return { child, ports: await answerOf<number[]>(child) };
}

async function measure(plan: EndPlan): Promise<{ subject: EndReport; peer: EndReport }> {
  const subject = await open(plan);
  // As many ports on the other side, and the same flow on the same port there.
  const peer = await open({ ...base, ports: plan.ports, judge: true });
  subject.child.send({ do: 'begin', ports: peer.ports });
  peer.child.send({ do: 'begin', ports: subject.ports });
  await wait(WARM_UP_MS);
  for (const { child } of [subject, peer]) child.send({ do: 'measure' });
  await wait(seconds * 1000);
  const reports = Promise.all([answerOf<EndReport>(subject.child), answerOf<EndReport>(peer.child)]);
  for (const { child } of [subject, peer]) child.send({ do: 'report' });
  const [own, others] = await reports;
  return { subject: own, peer: others };
}

const figures: Figure[] = [];
const samples: Record<string, unknown> = {};
for (const [name, plan] of Object.entries(designs)) {
  if (values.only && !values.only.split(',').includes(name)) continue;
  const costs: number[] = [];
  const shares: number[] = [];
  const late: number[] = [];
  let lost = 0;
  for (let run = 0; run < runs; run++) {
    const { subject, peer } = await measure(plan);
    costs.push((subject.cpuMs * 1000) / ((subject.sent + subject.received) / 2));
    shares.push((100 * subject.cpuMs) / subject.wallMs);
    for (const one of peer.late) late.push(one);
    lost += Math.max(0, subject.sent - peer.received);
  }
  samples[name] = { us_per_frame: costs, core_pct: shares };
  const of = (what: string, value: number, unit: string, n: number): Figure => ({ name: `${name}_${what}`, value, unit, n });
  figures.push(
    of('us_per_frame', median(costs), 'us', runs),
    of('core_pct', median(shares), '%', runs),
    of('late_p50_ms', percentile(late, 0.5), 'ms', late.length),
    of('late_p99_ms', percentile(late, 0.99), 'ms', late.length),
    of('late_p999_ms', percentile(late, 0.999), 'ms', late.length),
    of('late_over_5ms_pct', (100 * late.reduce((sum, ms) => sum + (ms > 5 ? 1 : 0), 0)) / late.length, '%', late.length),
    of('unseen', lost, '', late.length),
  );
  console.log(name, ...figures.slice(-7).map(({ value, unit }) => `${value.toFixed(2)} ${unit}`));
}
publish(
  'udp',
  {
    flows,
    seconds,
    runs,
    frame: '172 bytes every 20 ms both ways on loopback; a frame is one datagram in and one out',
    shared_ports: SHARED_PORTS,
    stalled: `JavaScript is held up for ${STALL_MS} ms once a second`,
    other_end: 'a process of its own (native, queued); its CPU is not counted',
  },
  figures,
  samples,
);
