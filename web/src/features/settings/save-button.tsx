import { Check } from 'lucide-react';
import { Button } from '../../ui/button.tsx';

/** Saves its form, and says when that is done. */
export function SaveButton({ busy, saved }: { busy: boolean; saved: boolean }) {
  return (
    <>
      <Button type="submit" busy={busy}>
        Save
      </Button>
      <span role="status" className="inline-flex h-10 items-center gap-1.5 text-[0.9rem] text-good">
        {saved && (
          <>
            <Check className="size-4" aria-hidden /> Saved
          </>
        )}
      </span>
    </>
  );
}
