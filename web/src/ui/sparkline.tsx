import { latencyOf } from '../lib/format.ts';
import { PACE_LIMITS_MS, paceColor, paceOf } from '../lib/latency.ts';

type SparklineProps = { values: readonly number[]; width?: number; height?: number; label: string };

/** One bar per turn, newest at the right, coloured by the latency scale; the dashed line is the limit of a natural pause. */
export function Sparkline({ values, width = 96, height = 26, label }: SparklineProps) {
  const step = 6;
  const shown = values.slice(-Math.floor(width / step));
  const top = Math.max(1_600, ...shown);
  const limit = height - (PACE_LIMITS_MS.ok / top) * height;
  const words = shown.length ? `${label}: ${shown.map(latencyOf).join(', ')}` : `${label}: none yet`;
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words} className="shrink-0">
      <title>{words}</title>
      <line x1={0} x2={width} y1={limit} y2={limit} stroke="var(--line-strong)" strokeDasharray="2 3" />
      {shown.map((ms, n) => {
        const tall = Math.max(3, (ms / top) * height);
        const x = width - (shown.length - n) * step + 1;
        return (
          <rect key={`${shown.length}-${n}`} x={x} y={height - tall} width={step - 2} height={tall} rx={1.5} fill={paceColor[paceOf(ms)]} />
        );
      })}
    </svg>
  );
}
