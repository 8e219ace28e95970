/** A dialog over the page: focus stays inside, Esc closes it, focus returns where it was. */
import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";

import { classes } from "~/lib/classes";

import css from "./Modal.module.css";

type Props = { open: boolean; onClose: () => void; title: string; hideTitle?: boolean; children: ReactNode; narrow?: boolean };

export function Modal({ open, onClose, title, hideTitle, children, narrow }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={css.backdrop} />
        <Dialog.Popup className={classes(css.popup, narrow && css.small)}>
          <div className={hideTitle ? "hidden-text" : css.head}>
            <Dialog.Title render={<h2 />}>{title}</Dialog.Title>
            {!hideTitle && (
              <Dialog.Close className={css.close} aria-label="Close">
                <X size={16} />
              </Dialog.Close>
            )}
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
