import { useEffect } from 'react';

/** The document's title while a screen is open: `Live calls · Tandem`. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Tandem` : 'Tandem';
  }, [title]);
}
