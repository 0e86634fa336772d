import { type ReactNode, useRef } from 'react';
import { Button } from '../../ui/button.tsx';
import { ACCEPTED_FILES } from './document-words.ts';

type FilePickerProps = {
  /** Names the button where its words alone would not. */
  label?: string;
  look?: 'primary' | 'plain' | 'quiet';
  size?: 'small' | 'medium';
  several?: boolean;
  busy?: boolean;
  onFiles: (files: File[]) => void;
  children: ReactNode;
};

/** A button that opens the browser's choice of files. */
export function FilePicker({ label, look = 'plain', size = 'medium', several = false, busy = false, onFiles, children }: FilePickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={ACCEPTED_FILES}
        multiple={several}
        className="hidden"
        onChange={({ target }) => {
          const files = [...(target.files ?? [])];
          // The same file may be chosen again after it was changed.
          target.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
      <Button look={look} size={size} busy={busy} aria-label={label} onClick={() => input.current?.click()}>
        {children}
      </Button>
    </>
  );
}
