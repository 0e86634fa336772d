import { X } from 'lucide-react';
import { AlertDialog, Dialog } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { cx } from '../lib/classes.ts';
import { Button } from './button.tsx';
import { faultOf, Notice } from './states.tsx';

const veil = 'fixed inset-0 z-40 bg-[rgb(10_16_14/0.45)] backdrop-blur-[1px]';
const sheet =
  'fixed z-50 flex max-h-[92dvh] w-full flex-col border border-line bg-surface shadow-float animate-rise inset-x-0 bottom-0 rounded-t-2xl sm:inset-auto sm:top-1/2 sm:left-1/2 sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-2xl';

type SheetProps = { open: boolean; onClose: () => void; title: string; lead?: string; children: ReactNode; wide?: boolean };

/** A dialog in the middle of the screen; on a phone, a sheet from below. */
export function Sheet({ open, onClose, title, lead, children, wide = false }: SheetProps) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={veil} />
        <Dialog.Content
          className={cx(sheet, 'outline-none', wide ? 'sm:max-w-3xl' : 'sm:max-w-lg')}
          // The sheet itself takes the focus: no keyboard pops up on a phone before somebody wants to write.
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          }}
          {...(lead ? {} : { 'aria-describedby': undefined })}
        >
          <div className="flex items-start justify-between gap-4 border-b border-line px-5 py-4">
            <div>
              <Dialog.Title className="text-lg font-semibold tracking-tight">{title}</Dialog.Title>
              {lead && <Dialog.Description className="mt-0.5 text-[0.9rem] text-ink-2">{lead}</Dialog.Description>}
            </div>
            <Dialog.Close asChild>
              <Button look="quiet" size="smallIcon" aria-label="Close" className="-mr-1.5">
                <X aria-hidden />
              </Button>
            </Dialog.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

type ConfirmProps = { trigger: ReactNode; title: string; children: ReactNode; confirm: string; act: () => Promise<unknown> };

/** Asks before something that cannot be undone; stays open with the reason when it failed. */
export function Confirm({ trigger, title, children, confirm, act }: ConfirmProps) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const go = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      await act();
      setOpen(false);
    } catch (error) {
      setFault(faultOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => (setFault(undefined), setOpen(next))}>
      <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={veil} />
        <AlertDialog.Content className={cx(sheet, 'p-6 sm:max-w-md')}>
          <AlertDialog.Title className="text-lg font-semibold tracking-tight">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 leading-relaxed text-ink-2">{children}</AlertDialog.Description>
          {fault && <Notice className="mt-4">{fault}</Notice>}
          <div className="mt-6 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <Button look="dangerous" busy={busy} onClick={() => void go()}>
              {confirm}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
