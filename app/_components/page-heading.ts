export const HEADING_ID = 'page-heading'

/** Where a page is read from again when what had the focus is gone. */
export function focusHeading(): void {
  document.getElementById(HEADING_ID)?.focus({ preventScroll: true })
}
