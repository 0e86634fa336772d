/** Tandem's sign: one voice above, one below. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" className={className} fill="none" strokeLinecap="round" strokeWidth={2.2} aria-hidden>
      <path stroke="var(--caller)" d="M3 9.500v1M7.500 6v4.500M12 3v7.500M16.500 7v3.500M21 9.500v1" />
      <path stroke="var(--assistant)" d="M3 13.500v1M7.500 13.500v3M12 13.500V21M16.500 13.500v5M21 13.500v1" />
    </svg>
  );
}
