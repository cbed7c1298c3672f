import { Panel } from '../../../../../../_components/panel.tsx'
import { formatBytes } from '../../../../../../_lib/format.ts'
import { exactText } from '../_lib/exact-text.ts'
import { CopyButton } from './copy-button.tsx'
import classes from './key-view.module.css'

/** The whole name of the key, however long and whatever its bytes. */
export function KeyNamePanel({ name, keyBase64 }: { name: string; keyBase64: string }) {
  const { text, sizeBytes } = exactText(keyBase64)
  return (
    <Panel
      title="Name"
      aside={
        <span className={classes.copies}>
          {text === null ? (
            <CopyButton text={name} label="Copy escaped" />
          ) : (
            <CopyButton text={text} label="Copy key" />
          )}
          <CopyButton text={keyBase64} label="Copy base64" />
        </span>
      }
      hint={
        text === null
          ? `${formatBytes(sizeBytes)}; not plain text: other bytes are shown as \\xHH, base64 has them exactly.`
          : formatBytes(sizeBytes)
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className={classes.scroll} tabIndex={0} aria-label="The key's whole name">
        <pre className={classes.name}>{name === '' ? '(empty name)' : name}</pre>
      </section>
    </Panel>
  )
}
