import { Upload } from 'lucide-react';
import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { cx } from '../../lib/classes.ts';

type DropZoneProps = { onFiles: (files: File[]) => void; children: ReactNode };

const holdsFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer.types.includes('Files');

/** Takes files that are dropped on anything inside; the buttons inside do the same for the keyboard. */
export function DropZone({ onFiles, children }: DropZoneProps) {
  const [over, setOver] = useState(false);
  // Entering a child fires before leaving its parent: only the balance tells.
  const depth = useRef(0);
  const leave = () => {
    depth.current = 0;
    setOver(false);
  };
  return (
    <div
      className="relative"
      data-testid="drop-zone"
      onDragEnter={(event) => {
        if (!holdsFiles(event)) return;
        depth.current++;
        setOver(true);
      }}
      onDragLeave={(event) => holdsFiles(event) && --depth.current <= 0 && leave()}
      onDragOver={(event) => holdsFiles(event) && event.preventDefault()}
      onDrop={(event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        leave();
        const files = [...event.dataTransfer.files];
        if (files.length > 0) onFiles(files);
      }}
    >
      {children}
      <div
        aria-hidden
        className={cx(
          'pointer-events-none absolute inset-1.5 z-20 grid place-items-center rounded-xl border-2 border-dashed border-accent bg-surface/90 text-accent transition-opacity',
          over ? 'opacity-100' : 'opacity-0',
        )}
      >
        <p className="flex items-center gap-2.5 text-lg font-medium">
          <Upload className="size-5" /> Drop them here
        </p>
      </div>
    </div>
  );
}
